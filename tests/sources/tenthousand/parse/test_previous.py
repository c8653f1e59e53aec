"""A parse that takes over from an earlier one gives the same files as a whole one."""

import random
import sqlite3
from pathlib import Path

import pytest

from mmpipeline.config import ParseConfig, ScrapeConfig
from mmpipeline.sources.tenthousand.crawl.run import crawl_site
from mmpipeline.sources.tenthousand.parse.previous import COPIED_NAMES, PAGES_NAME
from mmpipeline.sources.tenthousand.parse.snapshot import parse_snapshot
from mmpipeline.storage import DataLayout, read_parquet
from tests.sources.tenthousand.local_site import Site, fill_site, make_recipe


def parse(root: Path, name: str, earlier: str | None = None) -> dict[str, float]:
    (root / name).mkdir()
    return parse_snapshot(
        root / "store",
        root / name,
        DataLayout.at(root),
        ParseConfig(required_field_bound=1),
        root / earlier if earlier else None,
    )


def crawl(site: Site, root: Path) -> None:
    config = ScrapeConfig(
        base_url=site.url,
        pace_s=0,
        allow_loopback=True,
        recheck_after_days=0,
        required_field_bound=1,
    )
    crawl_site(root / "store", config, None)


def assert_same(root: Path, one: str, other: str) -> None:
    for name in (*COPIED_NAMES, PAGES_NAME):
        assert (root / one / name).read_bytes() == (root / other / name).read_bytes(), name


@pytest.fixture
def crawled(site: Site, tmp_path: Path) -> Path:
    """A store of 40 pages, some of which lack a field, and its whole parse."""
    fill_site(site, list(range(1, 41)))
    for number in (3, 4, 17):
        broken = make_recipe(number).replace(b"divConfirmedMaterialArea", b"renamed")
        site.pages[f"/recipe/{number}"] = broken
    crawl(site, tmp_path)
    assert parse(tmp_path, "first")["parsed"] == 40
    return tmp_path


def test_unchanged_pages_are_not_parsed_again(crawled: Path) -> None:
    assert parse(crawled, "again", "first")["parsed"] == 0
    assert_same(crawled, "first", "again")


def test_only_what_is_new_changed_or_gone_is_parsed(site: Site, crawled: Path) -> None:
    fill_site(site, list(range(1, 44)))
    site.pages["/recipe/9"] = make_recipe(9).replace("김치".encode(), "두부".encode())
    crawl(site, crawled)
    with sqlite3.connect(crawled / "store" / "state.sqlite") as state:
        state.execute("UPDATE pages SET status = 'deleted' WHERE number = 30")
        changed = state.execute("SELECT count(*) FROM pages WHERE number > 40").fetchone()[0]
    assert changed == 3
    counts = parse(crawled, "next", "first")
    parse(crawled, "whole")
    assert_same(crawled, "whole", "next")
    assert 0 < counts["parsed"] < 10


def test_a_photo_that_came_later_is_seen(crawled: Path) -> None:
    with sqlite3.connect(crawled / "store" / "state.sqlite") as state:
        state.execute("UPDATE photos SET status = 'failed' WHERE url LIKE '%/2025/%'")
    parse(crawled, "without", "first")
    parse(crawled, "whole")
    assert_same(crawled, "whole", "without")
    before = read_parquet(crawled / "first" / PAGES_NAME)["photos"].to_pylist()
    assert sum(read_parquet(crawled / "without" / PAGES_NAME)["photos"].to_pylist()) < sum(before)


def test_any_mixture_of_runs_equals_a_whole_parse(
    crawled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmpipeline.sources.tenthousand.parse.previous.BATCH_ROWS", 3)
    for seed in range(4):
        drawn = random.Random(seed)
        stale = [number for number in range(1, 41) if drawn.random() < 0.4]
        with sqlite3.connect(crawled / "store" / "state.sqlite") as state:
            marks = ", ".join("?" * len(stale))
            state.execute(
                f"UPDATE pages SET content_hash = content_hash || 'x' WHERE number IN ({marks})",
                stale,
            )
        counts = parse(crawled, f"mixed-{seed}", "first" if seed == 0 else f"mixed-{seed - 1}")
        assert counts["parsed"] == len(stale)
        parse(crawled, f"whole-{seed}")
        assert_same(crawled, f"whole-{seed}", f"mixed-{seed}")


def test_an_artifact_without_notes_is_not_used(crawled: Path) -> None:
    (crawled / "first" / PAGES_NAME).unlink()
    assert parse(crawled, "again", "first")["parsed"] == 40
