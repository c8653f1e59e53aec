"""만개의레시피: crawl the site into the store, parse the store into recipes."""

import time
from pathlib import Path

from prefect import task

from mmpipeline.config.environment import load_settings
from mmpipeline.config.sources import ParseConfig, ScrapeConfig
from mmpipeline.progress import watch_progress
from mmpipeline.sources.tenthousand.source import SOURCE
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.progress_artifact import ProgressArtifact
from tasks.runtime.recipes import produce_recipes, tell_fetched


@task
def crawl(config: ScrapeConfig, site: str, data_root: Path) -> str:
    """Ask the site what may be new; return the id of the store's state."""
    started = time.perf_counter()
    store = DataLayout.at(data_root).scrape_store(site)
    with watch_progress(ProgressArtifact("scrape")):
        result = SOURCE.fetch(store, config, load_settings().contact)
    tell_fetched("scrape", result, started)
    return result.snapshot_id


@task
def recheck(
    config: ScrapeConfig, older_than_days: float, at_most: int, site: str, data_root: Path
) -> str:
    """Ask again for known pages; return the id of the store's state."""
    from mmpipeline.sources.tenthousand.crawl.run import recheck_site

    started = time.perf_counter()
    store = DataLayout.at(data_root).scrape_store(site)
    with watch_progress(ProgressArtifact("recheck")):
        result = recheck_site(
            store,
            config,
            load_settings().contact,
            older_than_days=older_than_days,
            at_most=at_most,
        )
    tell_fetched("scrape", result, started)
    return result.snapshot_id


@task
def parse(site: str, config: ParseConfig, data_root: Path) -> Path:
    """Parse the store's pages into recipes; return the artifact's folder."""
    store = DataLayout.at(data_root).scrape_store(site)
    return produce_recipes(SOURCE.kind, store, config, data_root, {"site": site})
