"""Every fault of the fake site over real HTTP: its outcome in the state table, in bounded time."""

import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from mmpipeline.config import ParseConfig, SampleConfig, ScrapeConfig
from mmpipeline.errors import FetchError
from mmpipeline.sample.site.faults import FAULTS, Fault, FaultKind
from mmpipeline.sample.site.server import FakeSite, serve_site
from mmpipeline.sample.world.recipes import site_id_at
from mmpipeline.sources.tenthousand.crawl.report import CrawlReport
from mmpipeline.sources.tenthousand.crawl.run import crawl_site
from mmpipeline.sources.tenthousand.parse.snapshot import parse_snapshot
from mmpipeline.storage import DataLayout, read_parquet
from mmpipeline.web.fetcher import FetchLimits
from mmpipeline.web.pacing import Pacer

CONFIG = SampleConfig(recipes=16, photo_size_px=32)
BROKEN = site_id_at(3)
PAGE = f"/recipe/{BROKEN}"


@pytest.fixture
def fake() -> Iterator[FakeSite]:
    with serve_site(CONFIG, page_chars=4_000) as running:
        yield running


def crawl(
    fake: FakeSite, store: Path, *, pacer: Pacer | None = None, **settings: object
) -> CrawlReport:
    config = ScrapeConfig.model_validate(
        {"base_url": fake.base_url, "pace_s": 0, "allow_loopback": True, "images": False} | settings
    )
    limits = FetchLimits(timeout_s=1, retries=2, backoff_s=0.01)
    return crawl_site(store, config, None, pacer=pacer, limits=limits)


def look_up(store: Path, number: int) -> tuple[str, str]:
    """Return the status of a page in the state table, and the reason's first word."""
    with sqlite3.connect(store / "state.sqlite") as connection:
        status, reason = connection.execute(
            "SELECT status, coalesce(reason, '') FROM pages WHERE number = ?", [number]
        ).fetchone()
    connection.close()
    return status, reason.partition(":")[0]


OUTCOMES: dict[FaultKind, tuple[str, str]] = {
    "too_many_requests": ("failed", "status_429"),
    "too_many_requests_date": ("failed", "status_429"),
    "unavailable": ("failed", "status_503"),
    "slow_drip": ("failed", "deadline"),
    "reset_in_body": ("failed", "connection"),
    "truncated": ("failed", "truncated"),
    "redirect_loop": ("failed", "too_many_redirects"),
    "redirect_private": ("failed", "blocked_host"),
    "redirect_file": ("failed", "blocked_scheme"),
    "gzip_bomb": ("failed", "too_large"),
    "wrong_charset": ("done", ""),
    "server_error": ("failed", "status_500"),
    "forbidden": ("failed", "status_403"),
    "alert": ("deleted", "alert"),
    "deep": ("done", ""),
    "huge": ("done", ""),
}


def test_every_fault_has_an_outcome() -> None:
    assert {*OUTCOMES, "duplicate_links"} == set(FAULTS)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_fault_has_its_outcome_and_costs_only_its_page(
    fake: FakeSite, tmp_path: Path, kind: FaultKind
) -> None:
    fake.site.break_page(PAGE, Fault(kind, retry_after_s=0))
    started = time.monotonic()
    report = crawl(fake, tmp_path / "store")
    assert time.monotonic() - started < 8
    status, reason = OUTCOMES[kind]
    assert look_up(tmp_path / "store", BROKEN) == (status, reason)
    assert sum(report.failed.values()) == (status == "failed")
    assert report.new == 7 + (status == "done")
    assert fake.requests[PAGE] <= 6


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("wrong_charset", "charset_error"), ("deep", "too_deep"), ("huge", "too_many_tags")],
)
def test_what_cannot_be_read_is_quarantined(
    fake: FakeSite, tmp_path: Path, kind: FaultKind, reason: str
) -> None:
    fake.site.break_page(PAGE, Fault(kind))
    crawl(fake, tmp_path / "store")
    (tmp_path / "out").mkdir()
    parse_snapshot(tmp_path / "store", tmp_path / "out", DataLayout.at(tmp_path), ParseConfig())
    rows = read_parquet(tmp_path / "out" / "quarantine.parquet").to_pylist()
    assert [(row["recipe_id"], row["reason"]) for row in rows if row["field"] is None] == [
        (f"10k:{BROKEN}", reason)
    ]


@pytest.mark.parametrize("kind", ["too_many_requests", "too_many_requests_date"])
def test_retry_after_pauses_the_host(fake: FakeSite, tmp_path: Path, kind: FaultKind) -> None:
    waited: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    fake.site.break_page(PAGE, Fault(kind, times=1, retry_after_s=120))
    pacer = Pacer(0, clock=lambda: clock[0], sleep=sleep)
    assert crawl(fake, tmp_path / "store", pacer=pacer).new == 8
    assert 118 < sum(waited) <= 120.1


def test_a_passing_fault_costs_nothing(fake: FakeSite, tmp_path: Path) -> None:
    fake.site.break_page(PAGE, Fault("unavailable", times=2))
    report = crawl(fake, tmp_path / "store")
    assert report.new == 8
    assert not report.failed


def test_robots_that_fail_keep_us_away(fake: FakeSite, tmp_path: Path) -> None:
    fake.site.break_page("/robots.txt", Fault("server_error"))
    with pytest.raises(FetchError, match="left alone"):
        crawl(fake, tmp_path / "store")
    assert set(fake.requests) == {"/robots.txt"}


def test_duplicate_links_are_fetched_once(fake: FakeSite, tmp_path: Path) -> None:
    fake.site.break_page("/recipe/list.html", Fault("duplicate_links"))
    assert crawl(fake, tmp_path / "store").new == 8
    pages = {path: count for path, count in fake.requests.items() if path[8:].isdigit()}
    assert len(pages) == 8
    assert set(pages.values()) == {1}


def test_an_unchanged_site_adds_nothing(fake: FakeSite, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = crawl(fake, store, images=True)
    size = sum(path.stat().st_size for path in (store / "photos").rglob("*"))
    fake.log.clear()
    again = crawl(fake, store, images=True, recheck_after_days=0, max_rechecks=100)
    assert again.snapshot_id == first.snapshot_id
    # Everything was fetched within this very second, so nothing or all of it is due.
    assert (again.fetched, again.new, again.changed, again.photos) == (0, 0, 0, 0)
    assert all("/cache/" not in path for _, path in fake.log)
    assert sum(path.stat().st_size for path in (store / "photos").rglob("*")) == size


@pytest.mark.parametrize(
    ("how", "reason"),
    [("alert", "alert"), ("not_found", "status_404"), ("redirect", "redirected_away")],
)
def test_each_way_of_being_gone_is_known(
    fake: FakeSite, tmp_path: Path, how: Literal["alert", "not_found", "redirect"], reason: str
) -> None:
    fake.site.delete(BROKEN, how)
    report = crawl(fake, tmp_path / "store", recipes=(str(BROKEN),))
    assert (report.deleted, report.new) == (1, 7)
    assert look_up(tmp_path / "store", BROKEN) == ("deleted", reason)


def test_changes_and_deletions_are_found_by_a_check(fake: FakeSite, tmp_path: Path) -> None:
    store = tmp_path / "store"
    crawl(fake, store, images=True)
    fake.site.revise(BROKEN)
    fake.site.delete(site_id_at(5))
    time.sleep(1.1)  # the state's clock ticks in seconds
    report = crawl(fake, store, images=True, recheck_after_days=0)
    assert (report.changed, report.deleted, report.not_modified) == (1, 1, 6)
    assert look_up(store, site_id_at(5)) == ("deleted", "alert")
    with sqlite3.connect(store / "state.sqlite") as connection:
        history = connection.execute("SELECT number, status FROM history").fetchall()
    connection.close()
    assert Counter(history)[BROKEN, "done"] == 2
    assert Counter(history)[site_id_at(5), "deleted"] == 1
    (tmp_path / "out").mkdir()
    parse_snapshot(store, tmp_path / "out", DataLayout.at(tmp_path), ParseConfig())
    rows = read_parquet(tmp_path / "out" / "recipes.parquet").to_pylist()
    assert f"10k:{site_id_at(5)}" not in {row["recipe_id"] for row in rows}
    changed = next(row for row in rows if row["recipe_id"] == f"10k:{BROKEN}")
    assert changed["instructions"][-1] == "한 번 더 간을 본다."
    kept = {image["path"] for row in rows for image in row["images"]}
    assert kept == {str(p.relative_to(tmp_path)) for p in (store / "photos").rglob("*.*")}


def test_a_bomb_costs_little_memory(fake: FakeSite, tmp_path: Path) -> None:
    fake.site.break_page(PAGE, Fault("gzip_bomb"))
    # VmHWM: ru_maxrss of a new process begins at what its parent held.
    code = f"""
import re
from pathlib import Path
from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.fetcher import Fetcher, FetchLimits
from mmpipeline.web.pacing import Pacer
def peak_kb():
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
fetcher = Fetcher(frozenset({{"127.0.0.1"}}), "test", Pacer(0), FetchLimits(), allow_loopback=True)
fetcher.fetch("{fake.base_url}/robots.txt", max_bytes=1000)
before = peak_kb()
try:
    fetcher.fetch("{fake.base_url}{PAGE}", max_bytes=5_000_000)
except RequestFailedError as failure:
    print(failure.reason, peak_kb() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    reason, kilobytes = done.stdout.split()
    assert reason == "too_large"
    assert 100 < int(kilobytes) < 50_000


def test_every_form_of_page_is_crawled_and_read(tmp_path: Path) -> None:
    world = SampleConfig(recipes=100, photo_size_px=32)
    with serve_site(world, page_chars=6_000, every_form=True) as fake:
        report = crawl(
            fake,
            tmp_path / "store",
            images=True,
            required_field_bound=0.5,
            categories=("cat4",),
            rankings=("d",),
            queries=("찌개",),
        )
    assert report.new == 50
    assert not report.failed
    (tmp_path / "out").mkdir()
    counts = parse_snapshot(
        tmp_path / "store",
        tmp_path / "out",
        DataLayout.at(tmp_path),
        ParseConfig(required_field_bound=0.5),
    )
    assert (counts["recipes"], counts["quarantined"]) == (50, 0)
    rows = read_parquet(tmp_path / "out" / "recipes.parquet").to_pylist()
    images = [image for row in rows for image in row["images"]]
    assert all(image["path"] for image in images)
    assert {Path(image["id"]).suffix for image in images} == {".jpg", ".png", ".JPG", ".gif"}
    assert all(row["title"] and row["author"] and row["author_hash"] for row in rows)
    assert all(len([c for c in row["categories"] if c.startswith("cat4")]) == 1 for row in rows)
    details = read_parquet(tmp_path / "out" / "details.parquet").to_pylist()
    kinds = {note["kind"] for row in details for step in row["steps"] for note in step["notes"]}
    assert kinds == {"ingredients", "tools", "heat", "tip"}
    assert any(row["video_url"] for row in details)
    assert any(row["tools"] == ["냄비", "도마"] for row in details)
    assert any(len(step["image_ids"]) == 2 for row in details for step in row["steps"])
