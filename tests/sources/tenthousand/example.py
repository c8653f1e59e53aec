"""A small input of the source: what a crawl of the fake site brings home."""

from pathlib import Path

from mmpipeline.config import SampleConfig, ScrapeConfig
from mmpipeline.sample.site.server import serve_site
from mmpipeline.sources.tenthousand.source import SOURCE


def write_example(folder: Path) -> Path:
    """Fill a folder with an input in which something is wrong; return its place."""
    with serve_site(SampleConfig(recipes=60), every_form=True) as site:
        local = ScrapeConfig(base_url=site.base_url, allow_loopback=True, pace_s=0)
        SOURCE.fetch(folder / "store", local, None)
    return folder / "store"
