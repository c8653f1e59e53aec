"""Bring in the recipes of any source."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import sources


@flow(name="bring_recipes", **HOOKS)
def bring_recipes(
    kind: str,
    place: Path,
    config: PipelineConfig = PipelineConfig(),
    data_root: Path | None = None,
) -> Path:
    """Fetch a source's input if it is fetched, then normalise it.

    Parameters
    ----------
    kind
        Of the source, such as ``recipe1m``.
    place
        Its input: a file or folder.
    config
        Holds the source's settings.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the recipe artifact.
    """
    root = data_root or default_root()
    sources.fetch(kind, place, config)
    return sources.normalise(kind, place, config, root)
