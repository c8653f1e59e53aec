"""The Korean door: crawl the site into the store, parse the store into recipes."""

import time
from pathlib import Path

from prefect import task

from mmpipeline.config import ParseConfig, ScrapeConfig, load_settings
from mmpipeline.errors import ArtifactError
from mmpipeline.planning.keys import scraped_recipes_key
from mmpipeline.progress import watch_progress
from mmpipeline.sources.tenthousand import (
    CrawlReport,
    crawl_site,
    parse_snapshot,
    recheck_site,
    snapshot_id,
)
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.provenance import ArtifactKey
from tasks.runtime.cluster import lent_workers
from tasks.runtime.progress_artifact import ProgressArtifact
from tasks.runtime.stage import produce, publish_counts, report


@task
def crawl(config: ScrapeConfig, site: str, data_root: Path) -> str:
    """Ask the site what may be new; return the id of the store's state."""
    started = time.perf_counter()
    store = DataLayout.at(data_root).scrape_store(site)
    with watch_progress(ProgressArtifact("scrape")):
        result = crawl_site(store, config, load_settings().contact)
    return _tell(result, started)


@task
def recheck(
    config: ScrapeConfig, older_than_days: float, at_most: int, site: str, data_root: Path
) -> str:
    """Ask again for known pages; return the id of the store's state."""
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
    return _tell(result, started)


def _tell(result: CrawlReport, started: float) -> str:
    """Say and publish what a crawl did: one line, and a table of counts."""
    report("scrape", result.describe(), seconds=time.perf_counter() - started)
    publish_counts("scrape", result.counts())
    return result.snapshot_id


@task
def parse(site: str, config: ParseConfig, data_root: Path) -> Path:
    """Parse the store's pages into recipes; return the artifact's folder."""
    layout = DataLayout.at(data_root)
    store = layout.scrape_store(site)

    key = scraped_recipes_key(snapshot_id(store), config)

    def make(draft: Draft) -> dict[str, float]:
        draft.notes["site"] = site
        earlier = earlier_parse(layout, key, site)
        with lent_workers(layout) as workers:
            return parse_snapshot(store, draft.folder, layout, config, earlier, workers)

    return produce(data_root, key, make, ("pages", "parsed", "recipes", "photos", "quarantined"))


def earlier_parse(layout: DataLayout, key: ArtifactKey, site: str) -> Path | None:
    """Return the newest recipe artifact if `key`'s code made it from the same store; else None.

    Its files are hashed first: what is copied from it should be what was written.
    """
    try:
        newest = ArtifactStore(layout).current(key.kind)
        newest.verify()
    except ArtifactError:
        return None
    is_same_code = newest.manifest.source_digest == key.source_digest
    return newest.folder if is_same_code and newest.manifest.notes.get("site") == site else None
