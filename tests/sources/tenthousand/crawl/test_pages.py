from pathlib import Path

import pytest

from mmpipeline.config import ScrapeConfig
from mmpipeline.errors import ConfigError, FetchError, LayoutChangedError
from mmpipeline.sources.tenthousand.crawl.run import recheck_site
from mmpipeline.sources.tenthousand.store.store import open_state
from mmpipeline.storage import read_parquet
from tests.sources.tenthousand.crawling import NUMBERS, crawl, parse, set_checked
from tests.sources.tenthousand.local_site import (
    Answer,
    Site,
    fill_site,
    make_recipe,
)


def test_bad_pages_cost_only_themselves(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    site.pages["/recipe/7000001"] = Answer(500)
    site.pages["/recipe/7000002"] = (
        b"<script>alert('\xeb\xa0\x88\xec\x8b\x9c\xed\x94\xbc');</script>"
    )
    site.pages["/recipe/7000003"] = Answer(302, b"", {"Location": "/"})
    site.pages["/"] = b"<h1>main page</h1>"
    site.pages["/recipe/7000004"] = Answer(302, b"", {"Location": "file:///etc/passwd"})
    site.pages["/recipe/7000005"] = Answer(404)
    site.pages["/cache/recipe/2025/01/01/shared.jpg"] = Answer(200, b"no photo at all")
    report = crawl(site, tmp_path / "store")
    assert report.new == 5
    assert report.deleted == 3
    assert report.failed == {"blocked_scheme": 1, "photo_not_a_photo": 1, "status_500": 1}
    again = crawl(site, tmp_path / "store")
    assert again.failed == {"blocked_scheme": 1, "status_500": 1}
    assert not again.found_something_new
    rows = parse(tmp_path / "store", tmp_path / "out")
    assert len(rows) == 5
    images = rows[0]["images"]
    assert isinstance(images, list)
    assert [image["path"] is None for image in images] == [False, True]


def test_an_unreadable_page_is_quarantined(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    site.pages["/recipe/7000001"] = b"<html><body>something else</body></html>"
    crawl(site, tmp_path / "store", images=False)
    assert len(parse(tmp_path / "store", tmp_path / "out")) == len(NUMBERS) - 1
    rows = read_parquet(tmp_path / "out" / "quarantine.parquet").to_pylist()
    assert [(row["recipe_id"], row["reason"]) for row in rows] == [("10k:7000001", "no_title")]


def test_a_changed_layout_stops_the_crawl_and_is_read_again_later(
    site: Site, tmp_path: Path
) -> None:
    numbers = list(range(7000001, 7000026))
    fill_site(site, numbers)
    for number in numbers:
        page = make_recipe(number).replace(b"view2_summary", b"view3_summary")
        site.pages[f"/recipe/{number}"] = page
    with pytest.raises(LayoutChangedError, match=r"no title: selector '\.view2_summary h3'"):
        crawl(site, tmp_path / "store", images=False)
    with open_state(tmp_path / "store") as state:
        assert state.count_pages("fetched") == 25


def test_a_damaged_record_is_fetched_again(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    whole = crawl(site, tmp_path / "whole", images=False)
    site.pages["/recipe/list.html"] = Answer(500)
    with pytest.raises(FetchError):
        crawl(site, tmp_path / "store", images=False)
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    with open_state(tmp_path / "store") as state, state:
        page = next(state.pages_with_content())
        state.mark_page(page.number, "fetched", None, "2025-01-01T00:00:00+00:00")
    segment = tmp_path / "store" / "archive" / page.place.segment
    content = bytearray(segment.read_bytes())
    content[page.place.offset + page.place.length // 2] ^= 255
    segment.write_bytes(content)
    assert crawl(site, tmp_path / "store", images=False).failed == {"archive_damaged": 1}
    assert crawl(site, tmp_path / "store", images=False).snapshot_id == whole.snapshot_id


def test_a_page_that_fails_later_keeps_what_it_said(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    with open_state(tmp_path / "store") as state, state:
        state.mark_page(7000001, "todo", None, "2025-01-01T00:00:00+00:00")
    site.pages["/recipe/7000001"] = Answer(500)
    report = crawl(site, tmp_path / "store", images=False)
    assert report.failed == {"status_500": 1}
    assert not report.found_something_new
    assert len(parse(tmp_path / "store", tmp_path / "out")) == len(NUMBERS)


def test_old_pages_are_asked_for_again_longest_unasked_first(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    before = crawl(site, store)
    for day, number in enumerate([7000005, 7000002, 7000009], start=1):
        set_checked(store, number, f"2025-01-0{day}T00:00:00+00:00")
    site.asked.clear()
    site.pages["/recipe/7000002"] = make_recipe(7000002, "다른 국")
    report = crawl(site, store, max_rechecks=2)
    assert [path for path in site.paths if path.startswith("/recipe/7")] == [
        "/recipe/7000005",
        "/recipe/7000002",
    ]
    assert (report.fetched, report.changed, report.new, report.photos) == (1, 1, 0, 0)
    assert report.not_modified == 1  # no ETag, but the very same body
    assert report.snapshot_id != before.snapshot_id
    site.asked.clear()
    again = crawl(site, store)
    assert site.paths[1:] == ["/recipe/7000009"]
    assert not again.found_something_new
    assert crawl(site, store, recheck_after_days=None).requests == 1


def test_pages_asked_for_by_a_clock_ahead_are_due_once(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store)
    set_checked(store, 7000005, "2095-01-01T00:00:00+00:00")
    for expected in (["/recipe/7000005"], []):
        site.asked.clear()
        crawl(site, store)
        assert [path for path in site.paths if path.startswith("/recipe/7")] == expected


def test_checks_that_a_kill_cut_short_are_gone_on_with(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store, images=False)
    for number in NUMBERS:
        set_checked(store, number, "2025-01-01T00:00:00+00:00")
    assert crawl(site, store, images=False, max_pages=4).left == 6
    site.asked.clear()
    report = crawl(site, store, images=False)
    assert (report.resumed, report.not_modified, report.left) == (6, 6, 0)
    pages = [path for path in site.paths if path.startswith("/recipe/7")]
    assert pages == [f"/recipe/{number}" for number in sorted(NUMBERS)[5::-1]]


def test_a_deleted_recipe_is_found_by_a_check_and_may_come_back(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    whole = crawl(site, store)
    page = site.pages.pop("/recipe/7000003")
    set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
    gone = crawl(site, store)
    assert gone.deleted == 1
    rows = parse(store, tmp_path / "out")
    assert "10k:7000003" not in [row["recipe_id"] for row in rows]
    site.pages["/recipe/7000003"] = page
    assert crawl(site, store).new == 0  # asked for just now
    set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
    back = crawl(site, store)
    assert back.new == 0 or back.snapshot_id == whole.snapshot_id


def test_a_page_that_turns_unreadable_keeps_what_it_said(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    before = crawl(site, store)
    site.pages["/recipe/7000004"] = b"<html><body>maintenance</body></html>"
    set_checked(store, 7000004, "2025-01-01T00:00:00+00:00")
    report = crawl(site, store)
    assert report.failed == {"no_title": 1}
    assert report.snapshot_id == before.snapshot_id
    assert len(parse(store, tmp_path / "out")) == len(NUMBERS)


def test_a_layout_that_loses_one_field_fails_by_name(site: Site, tmp_path: Path) -> None:
    numbers = list(range(7000001, 7000061))
    fill_site(site, numbers)
    store = tmp_path / "store"
    before = crawl(site, store, images=False)
    for number in numbers:
        set_checked(store, number, "2025-01-01T00:00:00+00:00")
        if number % 2 == 0:  # half of the pages: well over the bound of a fifth
            page = make_recipe(number).replace(b"view_step_cont", b"view_step_new")
            site.pages[f"/recipe/{number}"] = page
    with pytest.raises(LayoutChangedError, match=r"no instructions: selector '\.view_step_cont"):
        crawl(site, store, images=False)
    assert len(parse(store, tmp_path / "out")) == len(numbers)
    assert before.new == len(numbers)


def test_a_recheck_asks_for_known_pages_only(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store, images=False, max_pages=6)
    for number in NUMBERS:
        set_checked(store, number, "2025-01-01T00:00:00+00:00")
    site.asked.clear()
    config = ScrapeConfig(base_url=site.url, pace_s=0, allow_loopback=True, images=False)
    report = recheck_site(store, config, None, older_than_days=1, at_most=4)
    assert site.paths == [f"/recipe/{number}" for number in sorted(NUMBERS)[:-5:-1]]
    assert (report.fetched, report.not_modified, report.new, report.changed) == (0, 4, 0, 0)
    with pytest.raises(ConfigError, match="older_than_days"):
        recheck_site(store, config, None, older_than_days=-1, at_most=4)
