"""The flow that builds one catalogue over all sources."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.planning.catalog import newest_recipes
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import catalog


@flow(name="build_catalog", **HOOKS)
def build_catalog(
    sources: list[Path] | None = None,
    config: CatalogConfig = CatalogConfig(),
    data_root: Path | None = None,
) -> Path:
    """Merge recipes, group duplicates, label dishes, split.

    Parameters
    ----------
    sources
        Folders of recipe artifacts; None takes the newest of each source.
    config
        How recipes are grouped, labelled and split.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the catalogue artifact.
    """
    root = data_root or default_root()
    return catalog.merge(sources or newest_recipes(root), config, root)
