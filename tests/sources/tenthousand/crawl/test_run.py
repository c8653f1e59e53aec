import hashlib
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from mmpipeline.config import ParseConfig, ScrapeConfig
from mmpipeline.errors import BusyError, ConfigError, FetchError, LayoutChangedError
from mmpipeline.sources.tenthousand.crawl.report import CrawlReport, describe_duration
from mmpipeline.sources.tenthousand.crawl.run import crawl_site, recheck_site, snapshot_id
from mmpipeline.sources.tenthousand.parse.snapshot import parse_snapshot
from mmpipeline.sources.tenthousand.store.store import open_state
from mmpipeline.storage import DataLayout, read_parquet
from mmpipeline.web.archive import SAME_RECIPE
from mmpipeline.web.fetcher import Fetcher, FetchLimits, Response
from mmpipeline.web.pacing import Pacer
from tests.sources.tenthousand.local_site import (
    Answer,
    Asked,
    Site,
    fill_site,
    make_list,
    make_photo,
    make_recipe,
    serve,
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


def test_first_crawl_brings_everything_home_and_the_second_is_quiet(
    site: Site, tmp_path: Path
) -> None:
    fill_site(site, NUMBERS)
    first = crawl(site, tmp_path / "store")
    assert first.fetched == first.new == len(NUMBERS)
    assert first.photos == len(NUMBERS) + 1  # one photo is shared by all
    assert first.found_something_new
    assert not first.failed
    assert set(Counter(site.paths).values()) == {1}

    site.asked.clear()
    second = crawl(site, tmp_path / "store")
    assert site.paths == ["/recipe/list.html?order=date&page=1"]  # robots.txt is kept for a day
    assert not second.found_something_new
    assert second.snapshot_id == first.snapshot_id == snapshot_id(tmp_path / "store")
    assert second.describe() == "nothing new (1 requests)"


def test_pages_come_newest_first(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    asked = [int(path.rpartition("/")[2]) for path in site.paths if path.startswith("/recipe/7")]
    assert asked == sorted(NUMBERS, reverse=True)


def test_a_new_recipe_costs_its_page_and_photo_only(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    before = crawl(site, tmp_path / "store")
    fill_site(site, [*NUMBERS, 7000099])
    site.asked.clear()
    after = crawl(site, tmp_path / "store")
    assert after.new == after.photos == 1
    assert after.requests == len(site.paths) == 4  # two lists, page, photo
    assert after.snapshot_id != before.snapshot_id


@pytest.mark.parametrize("stop_at", [2, 5, 9, 17, 25])
def test_a_killed_crawl_resumes_without_asking_twice(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    fill_site(site, NUMBERS)
    whole = crawl(site, tmp_path / "whole")
    site.asked.clear()

    fetch = Fetcher.fetch
    calls = 0

    def stop(self: Fetcher, url: str, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise StoppedError
        return fetch(self, url, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Fetcher, "fetch", stop)
    with pytest.raises(StoppedError):
        crawl(site, tmp_path / "store")
    monkeypatch.setattr(Fetcher, "fetch", fetch)
    resumed = crawl(site, tmp_path / "store")

    assert resumed.snapshot_id == whole.snapshot_id
    things = Counter(path for path in site.paths if "/list" not in path and "robots" not in path)
    assert set(things.values()) == {1}
    assert parse(tmp_path / "store", tmp_path / "a") != []
    assert [row["recipe_id"] for row in parse(tmp_path / "store", tmp_path / "a")] == [
        row["recipe_id"] for row in parse(tmp_path / "whole", tmp_path / "b")
    ]


def test_a_kill_in_the_middle_of_news_leaves_no_gap(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    more = [*NUMBERS, *range(7000020, 7000030)]
    fill_site(site, more)
    show_list = site.pages["/recipe/list.html"]
    assert callable(show_list)

    def fail_on_second(request: Asked) -> Answer:
        return Answer(500) if request.path.endswith("page=2") else show_list(request)

    site.pages["/recipe/list.html"] = fail_on_second
    with pytest.raises(FetchError, match="status 500"):
        crawl(site, tmp_path / "store", images=False)
    site.pages["/recipe/list.html"] = show_list
    assert crawl(site, tmp_path / "store", images=False).new == 10


def test_max_pages_backfills_over_several_runs(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    runs = [crawl(site, tmp_path / "store", max_pages=4) for _ in range(4)]
    assert [run.fetched for run in runs] == [4, 4, 2, 0]
    assert not runs[-1].found_something_new


def test_robots_rules_are_obeyed(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    site.pages["/robots.txt"] = b"User-agent: mmpipeline\nDisallow: /recipe/7000003\n"
    report = crawl(site, tmp_path / "store", images=False)
    assert report.skipped_robots == 1
    assert "/recipe/7000003" not in site.paths


@pytest.mark.parametrize("status", [500, 503, 429])
def test_unreadable_robots_keeps_us_away(site: Site, tmp_path: Path, status: int) -> None:
    fill_site(site, NUMBERS)
    site.pages["/robots.txt"] = Answer(status)
    with pytest.raises(FetchError, match="left alone"):
        crawl(site, tmp_path / "store")
    assert site.paths == ["/robots.txt"]


def test_absent_robots_allows_everything(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    del site.pages["/robots.txt"]
    assert crawl(site, tmp_path / "store", images=False).new == len(NUMBERS)


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


def test_photo_paths_are_relative_to_the_data_folder(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store")
    row = parse(tmp_path / "store", tmp_path / "out")[0]
    images = row["images"]
    assert isinstance(images, list)
    assert images[0]["path"].startswith("store/photos/")
    assert (tmp_path / images[0]["path"]).read_bytes() == make_photo(7000001)
    assert row["url"] == "https://www.10000recipe.com/recipe/7000001"


def test_a_site_on_another_port_is_the_same_site(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    first = crawl(site, tmp_path / "store")
    with serve() as other:
        fill_site(other, NUMBERS)
        assert not crawl(other, tmp_path / "store").found_something_new
        assert crawl(other, tmp_path / "elsewhere").snapshot_id == first.snapshot_id


def test_only_one_crawl_at_a_time(site: Site, tmp_path: Path) -> None:
    with open_state(tmp_path / "store"), pytest.raises(BusyError, match="process"):
        crawl(site, tmp_path / "store")


def test_a_torn_archive_is_repaired(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    whole = crawl(site, tmp_path / "store", images=False)
    segment = tmp_path / "store" / "archive" / "pages-00001.warc.gz"
    content = segment.read_bytes()
    segment.write_bytes(content[:-100])  # a power cut took the end of the last page
    site.asked.clear()
    after = crawl(site, tmp_path / "store", images=False)
    assert site.paths[1:] == ["/recipe/7000001"]
    assert after.snapshot_id == whole.snapshot_id
    segment.write_bytes(segment.read_bytes() + b"\x1f\x8b torn record")
    crawl(site, tmp_path / "store", images=False)
    assert len(parse(tmp_path / "store", tmp_path / "out")) == len(NUMBERS)


def test_a_live_site_needs_a_contact(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MMPIPELINE_CONTACT"):
        crawl_site(tmp_path / "store", ScrapeConfig(), None)
    with pytest.raises(ConfigError, match="allow_loopback"):
        crawl_site(tmp_path / "store", ScrapeConfig(base_url="http://127.0.0.1:1"), None)
    with pytest.raises(ConfigError, match="base_url"):
        crawl_site(tmp_path / "store", ScrapeConfig(base_url="10000recipe.com"), "me@example.org")


def test_author_ids_are_not_kept_in_the_state(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    with sqlite3.connect(tmp_path / "store" / "state.sqlite") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "uid=" not in dump


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


def test_a_list_page_without_recipes_is_a_changed_layout(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    site.pages["/recipe/list.html"] = b"<ul><li>nothing we know</li></ul>"
    with pytest.raises(LayoutChangedError, match="common_sp_link"):
        crawl(site, tmp_path / "store")


def test_a_deleted_recipe_takes_its_photos_along(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store")
    files = set((tmp_path / "store" / "photos").rglob("*.jpg"))
    with open_state(tmp_path / "store") as state, state:
        state.mark_page(7000001, "todo", None, "2025-01-01T00:00:00+00:00")
    del site.pages["/recipe/7000001"]
    report = crawl(site, tmp_path / "store")
    assert report.deleted == 1
    assert report.found_something_new
    left = set((tmp_path / "store" / "photos").rglob("*.jpg"))
    assert len(files - left) == 1  # its own; the one it shared stays
    assert len(parse(tmp_path / "store", tmp_path / "out")) == len(NUMBERS) - 1


def test_a_page_that_only_looks_new_is_no_change(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    pages = {7000001: b"<!-- advert --></html>", 7000002: b"<h3>other</h3></html>"}
    site.pages["/recipe/7000001"] = make_recipe(7000001).replace(b"</html>", pages[7000001])
    site.pages["/recipe/7000002"] = make_recipe(7000002, "다른 국")
    with open_state(tmp_path / "store") as state, state:
        for number in pages:
            state.mark_page(number, "todo", None, "2025-01-01T00:00:00+00:00")
    report = crawl(site, tmp_path / "store", images=False)
    assert (report.fetched, report.not_modified, report.changed, report.new) == (1, 1, 1, 0)


def test_an_unchanged_page_is_asked_for_conditionally(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    page = make_recipe(7000001)
    site.pages["/recipe/7000001"] = lambda request: (
        Answer(304)
        if request.headers.get("If-None-Match") == '"v1"'
        else Answer(200, page, {"ETag": '"v1"'})
    )
    crawl(site, tmp_path / "store", images=False)
    with open_state(tmp_path / "store") as state, state:
        state.mark_page(7000001, "todo", None, "2025-01-01T00:00:00+00:00")
    report = crawl(site, tmp_path / "store", images=False)
    assert (report.not_modified, report.fetched) == (1, 0)
    assert not report.found_something_new


@pytest.mark.parametrize("stop_after", [3, 16])
def test_a_process_killed_with_sigkill_resumes(site: Site, tmp_path: Path, stop_after: int) -> None:
    fill_site(site, NUMBERS)
    whole = crawl(site, tmp_path / "whole")
    site.asked.clear()
    code = (
        "from pathlib import Path; from mmpipeline.config import ScrapeConfig;"
        "from mmpipeline.sources.tenthousand.crawl.run import crawl_site;"
        f"crawl_site(Path({str(tmp_path / 'store')!r}), ScrapeConfig(base_url={site.url!r},"
        " pace_s=0.03, allow_loopback=True), None)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    while len(site.asked) < stop_after and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert crawl(site, tmp_path / "store").snapshot_id == whole.snapshot_id
    again = [path for path, count in Counter(site.paths).items() if count > 1]
    # The one request that was in the air may be repeated; lists and robots.txt always are.
    assert len([path for path in again if "list" not in path and "robots" not in path]) <= 1


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


def set_checked(store: Path, number: int, checked_at: str) -> None:
    """Pretend that a page was asked for at some time."""
    with sqlite3.connect(store / "state.sqlite") as connection:
        connection.execute("UPDATE pages SET checked_at = ? WHERE number = ?", [checked_at, number])
    connection.close()


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


def list_of(numbers: list[int], per_page: int = 4) -> Callable[[Asked], Answer]:
    def show(request: Asked) -> Answer:
        page = int(request.path.rpartition("page=")[2]) if "page=" in request.path else 1
        body = make_list(numbers[(page - 1) * per_page : page * per_page])
        if b"common_sp_link" not in body:
            body = b"<div class='result_none'></div>"
        return Answer(200, body, {"Content-Type": "text/html; charset=UTF-8"})

    return show


def fill_lists(site: Site, lists: dict[str, list[int]], everything: list[int]) -> None:
    """Serve a list by what its address holds, and the list of everything otherwise."""

    def show(request: Asked) -> Answer:
        found = [numbers for key, numbers in lists.items() if key in request.path]
        return list_of(found[0] if found else sorted(everything, reverse=True))(request)

    site.pages["/recipe/list.html"] = show


def test_categories_are_recorded_on_recipes(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    stews = [7000009, 7000007, 7000005, 7000003, 7000001]
    fill_lists(site, {"cat4=55": stews, "cat2=12": [7000009], "cat4=54": []}, NUMBERS)
    store = tmp_path / "store"
    wanted = ("cat4=55", "cat2=12", "cat4=54")
    report = crawl(site, store, categories=wanted, images=False)
    assert not report.failed
    categories = {row["recipe_id"]: row["categories"] for row in parse(store, tmp_path / "out")}
    assert categories["10k:7000009"] == ["cat2=12", "cat4=55"]
    assert categories["10k:7000002"] == []
    assert sum("cat4=55" in found for found in categories.values()) == 5  # type: ignore[operator]

    site.asked.clear()
    again = crawl(site, store, categories=wanted, images=False)
    assert not again.found_something_new
    assert len(site.paths) == 4  # the first page of each list
    fill_lists(site, {"cat4=55": [7000010, *stews], "cat2=12": [7000009], "cat4=54": []}, NUMBERS)
    assert crawl(site, store, categories=wanted, images=False).found_something_new


def test_recipes_of_searches_rankings_and_a_config(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    fill_lists(site, {"q=%EB%AC%B4": [7000004, 7000002]}, NUMBERS)
    site.pages["/ranking/home_new.html"] = list_of([7000008, 7000006])
    report = crawl(
        site,
        tmp_path / "store",
        whole_site=False,
        queries=("무",),
        rankings=("d",),
        recipes=("7000001", "https://www.10000recipe.com/recipe/7000003"),
        images=False,
    )
    assert report.new == 6
    rows = parse(tmp_path / "store", tmp_path / "out")
    assert [str(row["recipe_id"])[-1] for row in rows] == list("123468")


def test_a_list_that_fails_costs_only_itself(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    site.pages["/ranking/home_new.html"] = Answer(500)
    report = crawl(site, tmp_path / "store", rankings=("d",), images=False)
    assert report.failed == {"list_unreadable": 1}
    assert report.new == len(NUMBERS)


def test_a_category_walk_cut_short_leaves_no_gap(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    fill_lists(site, {"cat4=55": [7000001]}, NUMBERS)
    crawl(site, tmp_path / "store", categories=("cat4=55",), images=False)
    stews = list(reversed(NUMBERS))
    fill_lists(site, {"cat4=55": stews}, NUMBERS)
    show = site.pages["/recipe/list.html"]
    assert callable(show)

    def fail_on_third(request: Asked) -> Answer:
        is_third = "cat4" in request.path and request.path.endswith("page=3")
        return Answer(500) if is_third else show(request)

    site.pages["/recipe/list.html"] = fail_on_third
    crawl(site, tmp_path / "store", categories=("cat4=55",), images=False)
    site.pages["/recipe/list.html"] = show
    crawl(site, tmp_path / "store", categories=("cat4=55",), images=False)
    rows = parse(tmp_path / "store", tmp_path / "out")
    assert all(row["categories"] == ["cat4=55"] for row in rows)


def test_a_run_says_how_long_the_rest_takes(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    total = b"<div class='m_list_tit'><b>267,333</b></div>"
    show = list_of(sorted(NUMBERS, reverse=True))
    site.pages["/recipe/list.html"] = lambda request: Answer(
        200, show(request).body + total, {"Content-Type": "text/html; charset=UTF-8"}
    )
    report = crawl(site, tmp_path / "store", max_pages=4, pace_s=0.01)
    assert report.unlisted == 267_333 - 4
    assert report.seconds_left > 267_333 * 0.01
    assert "for the rest" in report.describe()
    assert describe_duration(86_400 * 4.6) == "about 4.6 days"
    assert describe_duration(90) == "about 90 seconds"


def test_list_cards_are_kept(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    card = (
        '<li><a href="/recipe/7000001" class="common_sp_link"></a>'
        '<span class="common_sp_caption_rv_ea">(61)</span>'
        '<span class="common_sp_caption_buyer">조회수 13.4만</span></li>'
    ).encode()
    site.pages["/recipe/list.html"] = lambda request: Answer(
        200,
        card if request.path.endswith("page=1") else b"",
        {"Content-Type": "text/html; charset=UTF-8"},
    )
    crawl(site, tmp_path / "store", images=False)
    with sqlite3.connect(tmp_path / "store" / "state.sqlite") as connection:
        rows = connection.execute("SELECT number, views, reviews FROM pages").fetchall()
    connection.close()
    assert rows == [(7000001, 134_000, 61)]


def test_robots_txt_is_read_again_after_a_day(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store, images=False)
    site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /\n"
    assert crawl(site, store, images=False).skipped_robots == 0
    with sqlite3.connect(store / "state.sqlite") as connection:
        connection.execute(
            "UPDATE meta SET value = json_array(?, json_extract(value, '$[1]'))"
            " WHERE key LIKE 'robots %'",
            [time.time() - 86_500],
        )
    connection.close()
    assert crawl(site, store, images=False).skipped_robots == 1


def test_photos_of_another_host_fill_the_wait_for_the_site(tmp_path: Path) -> None:
    numbers = list(range(7000001, 7000056))  # photos are known when fifty pages are read
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    with serve() as site, serve() as photos:
        fill_site(site, numbers)
        fill_site(photos, numbers)
        photos.pages = {path: page for path, page in photos.pages.items() if "cache" in path}
        for number in numbers:
            page = make_recipe(number).replace(b'src="/cache', f'src="{photos.url}/cache'.encode())
            site.pages[f"/recipe/{number}"] = page
        config = ScrapeConfig(base_url=site.url, allow_loopback=True)
        pacer = Pacer(1.5, clock=lambda: clock[0], sleep=sleep)
        assert crawl_site(tmp_path / "store", config, None, pacer=pacer).photos == 56
        last_page = max(asked.at for asked in site.asked)
        assert 3 <= sum(asked.at < last_page for asked in photos.asked) <= 6


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


@settings(max_examples=8, deadline=None)
@given(stop_at=st.integers(1, 40))
def test_a_crawl_killed_anywhere_equals_an_uninterrupted_one(stop_at: int) -> None:
    with serve() as site, TemporaryDirectory() as name:
        fill_site(site, NUMBERS)
        folder = Path(name)
        whole = crawl(site, folder / "whole")
        site.asked.clear()
        fetch, calls = Fetcher.fetch, 0

        def stop(self: Fetcher, url: str, **options: object) -> Response:
            nonlocal calls
            calls += 1
            if calls == stop_at:
                raise StoppedError
            return fetch(self, url, **options)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch, suppress(StoppedError):
            patch.setattr(Fetcher, "fetch", stop)
            crawl(site, folder / "store")
        resumed = crawl(site, folder / "store")
        assert resumed.snapshot_id == whole.snapshot_id
        things = Counter(path for path in site.paths if "/list" not in path)
        assert set(things.values()) == {1}
        assert parse(folder / "store", folder / "a") == [
            row | {"images": [i | {"path": str(i["path"]).replace("whole", "store")}
                              for i in row["images"]]}  # type: ignore[attr-defined]
            for row in parse(folder / "whole", folder / "b")
        ]  # fmt: skip


def test_an_unchanged_site_adds_no_page_body_without_any_etag(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    before = crawl(site, store)
    for number in NUMBERS:
        set_checked(store, number, "2025-01-01T00:00:00+00:00")
    after = crawl(site, store)
    assert (after.not_modified, after.fetched, after.photos) == (len(NUMBERS), 0, 0)
    assert after.snapshot_id == before.snapshot_id
    bodies: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    with (store / "archive" / "pages-00001.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file):
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            if "/recipe/7" in url:
                kinds[record.rec_type] += 1
                bodies[url] += len(record.raw_stream.read()) > 0
    assert set(bodies.values()) == {1}
    assert kinds == {"response": len(NUMBERS), "revisit": len(NUMBERS)}
    assert len(parse(store, tmp_path / "out")) == len(NUMBERS)


def make_noisy(number: int, noise: int) -> bytes:
    """Make a page whose advert, views and comments differ from request to request."""
    top = (
        f'<div class="view_cate_num"><span class="hit font_num">{noise:,}</span></div>'
        f'<ins class="adsbygoogle" data-ad-slot="{noise}"></ins>'
    )
    reply = (
        f'<div class="view_reply"><div class="media reply_list"><div class="media-body">'
        f"<h4>손님{noise}</h4>간장 {noise}큰술 넣으니 맛있네요</div></div></div></body>"
    )
    page = make_recipe(number).decode()
    return page.replace("<body>", f"<body>{top}").replace("</body>", reply).encode()


def archived_records(store: Path) -> list[tuple[str, str | None, str | None, bytes]]:
    """Return kind, profile, payload digest and body of every record of a recipe page."""
    found = []
    with (store / "archive" / "pages-00001.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file):
            header = record.rec_headers.get_header
            if "/recipe/7" in (header("WARC-Target-URI") or ""):
                body = record.raw_stream.read()
                digest = header("WARC-Payload-Digest")
                found.append((record.rec_type, header("WARC-Profile"), digest, body))
    return found


def test_noise_at_every_request_adds_no_page_body(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    served: list[bytes] = []

    def noisy(request: Asked) -> Answer:
        served.append(make_noisy(int(request.path[-7:]), 1000 + len(served)))
        return Answer(200, served[-1], {"Content-Type": "text/html; charset=UTF-8"})

    for number in NUMBERS:
        site.pages[f"/recipe/{number}"] = noisy
    store = tmp_path / "store"
    before = crawl(site, store)
    rows = parse(store, tmp_path / "a")
    for _ in range(2):
        for number in NUMBERS:
            set_checked(store, number, "2025-01-01T00:00:00+00:00")
        after = crawl(site, store)
        assert (after.not_modified, after.fetched, after.changed) == (len(NUMBERS), 0, 0)
        assert (after.photos, after.left, after.failed) == (0, 0, {})
        assert after.snapshot_id == before.snapshot_id
    assert len(set(served)) == len(served) == 3 * len(NUMBERS)
    records = archived_records(store)
    first, later = records[: len(NUMBERS)], records[len(NUMBERS) :]
    assert [body for *_, body in first] == served[: len(NUMBERS)]
    assert {record[:2] for record in later} == {("revisit", SAME_RECIPE)}
    assert not any(body for *_, body in later)
    told = [f"sha256:{hashlib.sha256(body).hexdigest()}" for body in served[len(NUMBERS) :]]
    assert [digest for _, _, digest, _ in later] == told
    assert parse(store, tmp_path / "b") == rows


def test_a_changed_recipe_under_noise_is_archived(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store)
    other = make_noisy(7000003, 5).replace("무를 썬다.".encode(), "무를 찐다.".encode())
    site.pages["/recipe/7000003"] = other
    set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
    report = crawl(site, store)
    assert (report.fetched, report.changed, report.not_modified) == (1, 1, 0)
    assert archived_records(store)[-1][3] == other


def test_photos_wanted_later_are_found_under_noise(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store, images=False)
    site.pages["/recipe/7000003"] = make_noisy(7000003, 5)
    set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
    report = crawl(site, store)
    assert (report.fetched, report.changed, report.photos) == (1, 0, 2)


def test_a_new_etag_of_the_same_recipe_is_kept(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store)
    noisy = make_noisy(7000003, 5)
    site.pages["/recipe/7000003"] = lambda request: (
        Answer(304)
        if request.headers.get("If-None-Match") == '"v2"'
        else Answer(200, noisy, {"ETag": '"v2"'})
    )
    for status in (200, 304):
        set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
        assert crawl(site, store).not_modified == 1
        with sqlite3.connect(store / "state.sqlite") as connection:
            last = connection.execute("SELECT status FROM responses ORDER BY id DESC").fetchone()
        connection.close()
        assert last == (status,)
