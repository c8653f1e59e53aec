"""Normalise a folder in Recipe1M's layout."""

from pathlib import Path

from prefect import flow

from mmpipeline.config import Recipe1MConfig
from tasks import recipe1m


@flow(name="normalize_recipe1m")
def normalize_recipe1m(
    dump: Path, config: Recipe1MConfig = Recipe1MConfig(), data_root: Path = Path("data")
) -> Path:
    """Turn layer1.json, layer2.json and the image folders into recipes.

    Parameters
    ----------
    dump
        The folder that holds layer1.json.
    config
        How it is read.
    data_root
        The data folder.

    Returns
    -------
    Path
        Folder of the recipe artifact.
    """
    return recipe1m.normalize(dump, config, data_root)
