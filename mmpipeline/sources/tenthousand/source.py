"""The declaration of 만개의레시피 as a source: fetched into a store, read from it."""

from pathlib import Path
from typing import TYPE_CHECKING

from mmpipeline.config.sources import ParseConfig, ScrapeConfig
from mmpipeline.sources import FetchedSource, Reading

if TYPE_CHECKING:
    from mmpipeline.sources.tenthousand.crawl.report import CrawlReport
    from mmpipeline.storage.layout import DataLayout


class TenThousandRecipe(FetchedSource[ParseConfig, ScrapeConfig]):
    """만개의레시피; its place is a scrape store, whose state is the crawl's snapshot."""

    kind = "tenthousand_recipe"
    title = "만개의레시피"
    prefix = "10k"
    settings, section = ParseConfig, "parse"
    fetch_settings, fetch_section = ScrapeConfig, "scrape"
    entries = (
        "mmpipeline.sources.tenthousand.parse.snapshot:parse_snapshot",
        "mmpipeline.storage.layout:DataLayout",
        "mmpipeline.config.sources:ParseConfig",
    )
    state = "snapshot"
    flow = "scrape_recipes"
    asked_by = ("scrape",)
    shown = ("pages", "parsed", "recipes", "photos", "quarantined")

    def discover(self, place: Path, layout: "DataLayout") -> str:
        """Return the id of the store's state."""
        from mmpipeline.sources.tenthousand.crawl.run import snapshot_id

        return snapshot_id(place)

    def fetch(self, place: Path, config: ScrapeConfig, contact: str | None) -> "CrawlReport":
        """Ask the site what may be new."""
        from mmpipeline.sources.tenthousand.crawl.run import crawl_site

        return crawl_site(place, config, contact)

    def normalise(self, reading: Reading, config: ParseConfig) -> dict[str, float]:
        """Parse the store's pages; pages that did not change are taken from an earlier parse."""
        from mmpipeline.sources.tenthousand.parse.snapshot import parse_snapshot

        earlier = reading.earlier()
        return parse_snapshot(
            reading.place, reading.target, reading.layout, config, earlier, reading.workers
        )


SOURCE = TenThousandRecipe()
