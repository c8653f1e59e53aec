import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.config import ScrapeConfig
from mmpipeline.errors import BusyError, ConfigError, FetchError
from mmpipeline.sources.tenthousand.crawl.run import crawl_site, snapshot_id
from mmpipeline.sources.tenthousand.store.store import open_state
from mmpipeline.web.fetcher import Fetcher, Response
from tests.sources.tenthousand.crawling import NUMBERS, StoppedError, crawl, parse
from tests.sources.tenthousand.local_site import (
    Answer,
    Asked,
    Site,
    fill_site,
    serve,
)


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
