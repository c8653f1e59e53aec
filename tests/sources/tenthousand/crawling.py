"""Crawls of the local site, and what they leave, for the tests of a crawl's steps."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from mmpipeline.config import ParseConfig, ScrapeConfig
from mmpipeline.sources.tenthousand.crawl.report import CrawlReport
from mmpipeline.sources.tenthousand.crawl.run import crawl_site
from mmpipeline.sources.tenthousand.parse.snapshot import parse_snapshot
from mmpipeline.storage import DataLayout, read_parquet
from mmpipeline.web.fetcher import FetchLimits
from tests.sources.tenthousand.local_site import (
    Answer,
    Asked,
    Site,
    make_list,
)

NUMBERS = list(range(7000001, 7000011))


class StoppedError(Exception):
    """Stands for a kill in the middle of a run."""


def crawl(site: Site, store: Path, **settings: object) -> CrawlReport:
    config = ScrapeConfig.model_validate(
        {"base_url": site.url, "pace_s": 0, "allow_loopback": True} | settings
    )
    return crawl_site(store, config, None, limits=FetchLimits(timeout_s=5, retries=0))


def parse(store: Path, target: Path) -> list[dict[str, object]]:
    target.mkdir(exist_ok=True)
    parse_snapshot(store, target, DataLayout.at(store.parent), ParseConfig())
    rows: list[dict[str, object]] = read_parquet(target / "recipes.parquet").to_pylist()
    return rows


def set_checked(store: Path, number: int, checked_at: str) -> None:
    """Pretend that a page was asked for at some time."""
    with sqlite3.connect(store / "state.sqlite") as connection:
        connection.execute("UPDATE pages SET checked_at = ? WHERE number = ?", [checked_at, number])
    connection.close()


def list_of(numbers: list[int], per_page: int = 4) -> Callable[[Asked], Answer]:
    def show(request: Asked) -> Answer:
        page = int(request.path.rpartition("page=")[2]) if "page=" in request.path else 1
        body = make_list(numbers[(page - 1) * per_page : page * per_page])
        if b"common_sp_link" not in body:
            body = b"<div class='result_none'></div>"
        return Answer(200, body, {"Content-Type": "text/html; charset=UTF-8"})

    return show
