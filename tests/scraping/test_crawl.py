import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from mmpipeline.config import ParseConfig, ScrapeConfig
from mmpipeline.errors import BusyError, ConfigError, FetchError, LayoutChangedError
from mmpipeline.scraping import CrawlReport, crawl_site, parse_snapshot, snapshot_id
from mmpipeline.scraping.fetcher import FetchLimits
from mmpipeline.scraping.store import open_state
from mmpipeline.storage import DataLayout, read_parquet
from tests.scraping.local_site import Answer, Asked, Site, fill_site, make_photo, make_recipe

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
    assert site.paths == ["/robots.txt", "/recipe/list.html?order=date&page=1"]
    assert not second.found_something_new
    assert second.snapshot_id == first.snapshot_id == snapshot_id(tmp_path / "store")
    assert second.describe() == "nothing new (2 requests)"


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
    assert after.requests == len(site.paths) == 5  # robots.txt, two lists, page, photo
    assert after.snapshot_id != before.snapshot_id


@pytest.mark.parametrize("stop_at", [2, 5, 9, 17, 25])
def test_a_killed_crawl_resumes_without_asking_twice(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    fill_site(site, NUMBERS)
    whole = crawl(site, tmp_path / "whole")
    site.asked.clear()

    from mmpipeline.scraping.fetcher import Fetcher

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
    from tests.scraping.local_site import serve

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
    assert site.paths[2:] == ["/recipe/7000001"]
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
    assert (report.fetched, report.changed, report.new) == (2, 1, 0)


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
        "from mmpipeline.scraping import crawl_site;"
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
