"""Defaults of a flow's inputs: the environment's data folder, the newest artifact."""

from pathlib import Path

from mmpipeline.config.environment import load_settings
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout


def default_root() -> Path:
    """Return the environment's data folder, absolute."""
    return load_settings().data_root.resolve()


def or_newest(folder: Path | None, kind: str, data_root: Path) -> Path:
    """Return `folder`, or the folder of the artifact of a kind that was made last.

    Parameters
    ----------
    folder
        The named input, if any.
    kind
        Kind of artifact to look for.
    data_root
        The data folder.

    Returns
    -------
    Path
        The artifact's folder.
    """
    if folder is not None:
        return folder
    return ArtifactStore(DataLayout.at(data_root)).latest(kind).folder
