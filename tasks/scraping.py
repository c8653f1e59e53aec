"""The Korean door: crawl the site into the store, parse the store into recipes."""

import time
from pathlib import Path

from prefect import task

from mmpipeline.config import ParseConfig, ScrapeConfig, load_settings
from mmpipeline.scraping import (
    CrawlReport,
    crawl_site,
    parse_snapshot,
    recheck_site,
    snapshot_id,
)
from mmpipeline.storage import DataLayout, Draft
from tasks.keys import scraped_recipes_key
from tasks.stage import produce, publish_counts, report


@task
def crawl(config: ScrapeConfig, site: str, data_root: Path) -> str:
    """Ask the site what may be new; return the id of the store's state."""
    started = time.perf_counter()
    store = DataLayout.at(data_root).scrape_store(site)
    return _tell(crawl_site(store, config, load_settings().contact), started)


@task
def recheck(
    config: ScrapeConfig, older_than_days: float, at_most: int, site: str, data_root: Path
) -> str:
    """Ask again for known pages; return the id of the store's state."""
    started = time.perf_counter()
    store = DataLayout.at(data_root).scrape_store(site)
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

    def make(draft: Draft) -> dict[str, float]:
        return parse_snapshot(store, draft.folder, layout, config)

    key = scraped_recipes_key(snapshot_id(store), config)
    return produce(data_root, key, make, ("pages", "recipes", "photos", "quarantined"))
