import sqlite3
from pathlib import Path

import pytest

from mmpipeline.errors import LayoutChangedError
from mmpipeline.sources.tenthousand.crawl.report import describe_duration
from tests.sources.tenthousand.crawling import NUMBERS, crawl, list_of, parse
from tests.sources.tenthousand.local_site import (
    Answer,
    Asked,
    Site,
    fill_site,
)


def test_pages_come_newest_first(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    asked = [int(path.rpartition("/")[2]) for path in site.paths if path.startswith("/recipe/7")]
    assert asked == sorted(NUMBERS, reverse=True)


def test_a_list_page_without_recipes_is_a_changed_layout(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    site.pages["/recipe/list.html"] = b"<ul><li>nothing we know</li></ul>"
    with pytest.raises(LayoutChangedError, match="common_sp_link"):
        crawl(site, tmp_path / "store")


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
