"""The flow that normalises a folder in Recipe1M's layout."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import recipe1m


@flow(name="normalize_recipe1m", **HOOKS)
def normalize_recipe1m(
    dump: Path, config: Recipe1MConfig = Recipe1MConfig(), data_root: Path | None = None
) -> Path:
    """Turn layer1.json, layer2.json and the image folders into recipes.

    Parameters
    ----------
    dump
        The folder that holds layer1.json.
    config
        How it is read.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the recipe artifact.
    """
    root = data_root or default_root()
    return recipe1m.normalize(dump, config, root)
