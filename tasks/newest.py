"""What a flow works on when nobody names its input: the artifact made last."""

from pathlib import Path

from mmpipeline.storage import ArtifactStore, DataLayout


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
    return ArtifactStore(DataLayout.at(data_root)).current(kind).folder
