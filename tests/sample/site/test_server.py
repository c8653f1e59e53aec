"""The fake site over real HTTP."""

import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest
import requests
from bs4 import BeautifulSoup
from PIL import Image

from mmpipeline.config import SampleConfig
from mmpipeline.sample.site.server import FakeSite, serve_site
from mmpipeline.sample.world.dishes import load_dishes
from mmpipeline.sample.world.recipes import SampleRecipe, recipe_at, site_id_at

CONFIG = SampleConfig(recipes=131, photo_size_px=32)
SITE_RECIPES = 66


@pytest.fixture(scope="module")
def shared() -> Iterator[FakeSite]:
    """A site that no test changes; starting and parsing it once keeps the tests quick."""
    with serve_site(CONFIG) as running:
        yield running


@pytest.fixture
def fake() -> Iterator[FakeSite]:
    with serve_site(CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def pages(shared: FakeSite) -> dict[str, BeautifulSoup]:
    """Every recipe page of the shared site by its path."""
    return {link: soup(shared.base_url + link) for link in walk(shared, "order=date")}


def soup(url: str) -> BeautifulSoup:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == HTTPStatus.OK
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    return BeautifulSoup(answer.text, "lxml")


def links(page: BeautifulSoup) -> list[str]:
    return [str(link["href"]) for link in page.select("a.common_sp_link")]


def walk(fake: FakeSite, query: str) -> list[str]:
    found: list[str] = []
    for number in range(1, 20):
        page = soup(f"{fake.base_url}/recipe/list.html?{query}&page={number}")
        if not links(page):
            assert page.select_one("div.result_none") is not None
            return found
        found += links(page)
    raise AssertionError("the list has no end")


def site_recipes() -> list[SampleRecipe]:
    return [recipe_at(CONFIG, index) for index in range(0, CONFIG.recipes, 2)]


def test_robots_is_that_of_the_real_site(shared: FakeSite) -> None:
    answer = requests.get(f"{shared.base_url}/robots.txt", timeout=10)
    assert "Disallow: /admin/" in answer.text
    assert "/recipe" not in answer.text


def test_date_list_holds_every_recipe_once_newest_first(shared: FakeSite) -> None:
    found = walk(shared, "order=date")
    expected = [f"/recipe/{site_id_at(position)}" for position in range(SITE_RECIPES)]
    assert found == expected[::-1]


def test_recommended_list_holds_the_same_in_another_order(shared: FakeSite) -> None:
    by_date, by_worth = walk(shared, "order=date"), walk(shared, "order=reco")
    assert sorted(by_date) == sorted(by_worth)
    assert by_date != by_worth


def test_category_list_holds_the_dishes_of_the_category(shared: FakeSite) -> None:
    stews = {dish.key for dish in load_dishes() if dish.categories["cat4"] == "55"}
    expected = {f"/recipe/{r.source_id}" for r in site_recipes() if r.dish in stews}
    assert set(walk(shared, "order=date&cat4=55")) == expected
    assert len(expected) > 3


def test_search_finds_titles(shared: FakeSite) -> None:
    found = set(walk(shared, "q=김치찌개"))
    expected = {f"/recipe/{r.source_id}" for r in site_recipes() if "김치찌개" in r.title}
    assert expected <= found


def test_list_page_has_the_sites_oddities(shared: FakeSite) -> None:
    page = soup(f"{shared.base_url}/recipe/list.html?order=date&page=1")
    items = page.select("#contents_area_full ul.common_sp_list_ul > li")
    assert len(links(page)) == 40
    assert len(items) == 44
    total = page.select_one("div.m_list_tit > b")
    assert total is not None
    assert total.text == "66"
    assert [a.text for a in page.select("ul.pagination li a")] == ["1", "2"]


def test_cards_come_in_every_form(shared: FakeSite) -> None:
    pages = [soup(f"{shared.base_url}/recipe/list.html?order=date&page={n}") for n in (1, 2)]
    cards = [card for page in pages for card in page.select("li:has(a.common_sp_link)")]
    for selector in (
        ".common_vod_label + img", ".common_sp_caption_rv_star", ".common_sp_caption_rv_ea",
        ".common_sp_caption_rv_name img",
    ):  # fmt: skip
        held = sum(card.select_one(selector) is not None for card in cards)
        assert 0 < held < len(cards), selector
    views = [card.select(".common_sp_caption_buyer")[0].text for card in cards]
    for form in (r"조회수 \d{1,3}", r"조회수 \d{1,3},\d{3}", r"조회수 \d+\.\d만"):
        assert any(re.fullmatch(form, text) for text in views), form
    text = requests.get(f"{shared.base_url}/recipe/list.html?order=date", timeout=10).text
    assert re.findall(r'<a href="/recipe/\d+" class="common_sp_link">', text)
    assert "javascript:goSearchRecipe('cat4','63')" in text
    hidden = [str(field["name"]) for field in pages[0].select("#srRecipeFrm input[type=hidden]")]
    assert {"q", "query", "cat4", "order", "copyshot", "niresource"} <= set(hidden)


def test_a_search_without_hits_says_so(shared: FakeSite) -> None:
    page = soup(f"{shared.base_url}/recipe/list.html?q=없는말")
    assert page.select_one("div.result_none") is not None
    assert not links(page)


def test_pager_jumps_in_blocks_of_ten() -> None:
    with serve_site(SampleConfig(recipes=2000)) as fake:
        page = soup(f"{fake.base_url}/recipe/list.html?order=date&page=12")
        marks = {a.get("aria-label"): a["href"] for a in page.select("ul.pagination a")}
        assert str(marks["Prev"]).endswith("page=10")
        assert str(marks["Next"]).endswith("page=21")
        text = requests.get(f"{fake.base_url}/recipe/list.html?page=12", timeout=10).text
        assert "총 <b>1,000</b>개의" in text
        assert "&amp;page=21" in text
        ranking = soup(f"{fake.base_url}/ranking/home_new.html?dtype=d&rtype=r")
        assert len(ranking.select("ul.common_sp_list_ul.ea4 > li.common_sp_list_li")) == 100
        assert "common_sp_list_li" not in str(ranking.select_one("li"))


def test_every_recipe_page_says_what_the_recipe_says(pages: dict[str, BeautifulSoup]) -> None:
    assert len(pages) == SITE_RECIPES
    for recipe in site_recipes():
        page = pages[f"/recipe/{recipe.source_id}"]
        title = page.select_one("div.view2_summary h3")
        assert title is not None
        assert title.text == recipe.title
        items = page.select("#divConfirmedMaterialArea li")
        assert len(items) == len(recipe.ingredients)
        for item, expected in zip(items, recipe.ingredients, strict=True):
            amount = item.select_one("span.ingre_unit, span.ingre_list_ea")
            assert amount is not None
            assert amount.text == expected.amount
            assert expected.name in item.text
        assert len(page.select(".view_step_cont")) == len(recipe.steps)
        assert (page.select_one("#main_thumbs") is not None) == recipe.has_photo


def test_pages_come_in_two_generations_with_their_noise(pages: dict[str, BeautifulSoup]) -> None:
    for selector in (
        "span.ingre_unit", "div.ingre_list_name", "#contents_area", "#contents_area_full",
        "dl.view_step_tip dd", "p.step_add", "#relationGoods .best_tit b", "div.view_tag a",
    ):  # fmt: skip
        held = sum(page.select_one(selector) is not None for page in pages.values())
        assert 0 < held < SITE_RECIPES, selector
    assert all(page.select_one("#measureModal") for page in pages.values())
    assert all(30_000 < len(str(page)) < 60_000 for page in pages.values())


def test_json_ld_is_sometimes_broken(pages: dict[str, BeautifulSoup]) -> None:
    broken = 0
    for page in pages.values():
        block = page.select('script[type="application/ld+json"]')[1]
        try:
            assert json.loads(block.text)["@type"] == "Recipe"
        except json.JSONDecodeError:
            broken += 1
    assert 0 < broken < SITE_RECIPES / 4


def test_photos_of_pages_decode_and_answer_304(pages: dict[str, BeautifulSoup]) -> None:
    session = requests.Session()
    photos = [page.select_one("#main_thumbs") for page in pages.values()]
    for photo in [photo for photo in photos if photo is not None][:12]:
        answer = session.get(str(photo["src"]), timeout=10)
        assert answer.headers["Content-Type"] == "image/jpeg"
        with Image.open(io.BytesIO(answer.content)) as image:
            image.load()
        known = {"If-None-Match": answer.headers["ETag"]}
        again = session.get(str(photo["src"]), headers=known, timeout=10)
        assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
        dated = {"If-Modified-Since": answer.headers["Last-Modified"]}
        again = session.get(str(photo["src"]), headers=dated, timeout=10)
        assert again.status_code == HTTPStatus.NOT_MODIFIED


def test_pages_answer_304(shared: FakeSite) -> None:
    url = f"{shared.base_url}/recipe/{site_id_at(3)}"
    tag = requests.get(url, timeout=10).headers["ETag"]
    again = requests.get(url, headers={"If-None-Match": tag}, timeout=10)
    assert again.status_code == HTTPStatus.NOT_MODIFIED
    other = requests.get(url, headers={"If-None-Match": '"other"'}, timeout=10)
    assert other.status_code == HTTPStatus.OK


def test_every_image_on_list_pages_resolves(shared: FakeSite) -> None:
    page = soup(f"{shared.base_url}/recipe/list.html?order=date&page=1")
    sources = [str(image["src"]) for image in page.select(".common_sp_link img")]
    thumbnails = [source for source in sources if "/cache/recipe/" in source]
    assert len(thumbnails) > 20
    for source in thumbnails[:8]:
        assert requests.get(source, timeout=10).status_code == HTTPStatus.OK


@pytest.mark.parametrize("path", ["/recipe/6000001", "/recipe/9999999", "/recipe/1"])
def test_missing_recipe_is_an_alert(shared: FakeSite, path: str) -> None:
    answer = requests.get(shared.base_url + path, timeout=10)
    assert answer.status_code == HTTPStatus.OK
    assert "레시피 정보가 없습니다." in answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/cache/recipe/2020/01/01/no.jpg", "/recipe/abc"])
def test_other_addresses_are_404(shared: FakeSite, path: str) -> None:
    assert requests.get(shared.base_url + path, timeout=10).status_code == HTTPStatus.NOT_FOUND


def test_deleted_recipe_leaves_the_lists(fake: FakeSite) -> None:
    gone = site_id_at(5)
    fake.site.delete(gone)
    assert f"/recipe/{gone}" not in walk(fake, "order=date")
    assert "alert" in requests.get(f"{fake.base_url}/recipe/{gone}", timeout=10).text


def test_growth_only_adds_new_recipes(fake: FakeSite) -> None:
    before = walk(fake, "order=date")
    old_page = requests.get(fake.base_url + before[0], timeout=10).text
    fake.site.grow(171)
    after = walk(fake, "order=date")
    assert after[-len(before) :] == before
    assert len(after) == len(before) + 20
    assert requests.get(fake.base_url + before[0], timeout=10).text == old_page


def test_requests_are_counted(fake: FakeSite) -> None:
    requests.get(f"{fake.base_url}/recipe/list.html?page=1", timeout=10)
    requests.get(f"{fake.base_url}/recipe/list.html?page=2", timeout=10)
    requests.head(f"{fake.base_url}/robots.txt", timeout=10)
    assert fake.requests == {"/recipe/list.html": 2, "/robots.txt": 1}
    assert fake.log[-1] == ("HEAD", "/robots.txt")


def test_pages_can_be_as_long_as_the_real_ones() -> None:
    with serve_site(CONFIG, page_chars=200_000) as fake:
        text = requests.get(f"{fake.base_url}/recipe/{site_id_at(0)}", timeout=10).text
        assert len(text) == pytest.approx(200_000, rel=0.05)


def test_process_prints_its_address_and_ends_with_its_input() -> None:
    command = [sys.executable, "-m", "mmpipeline.sample.site.server", "--recipes", "20"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        base_url = process.stdout.readline().strip()
        assert base_url.startswith("http://127.0.0.1:")
        page = soup(f"{base_url}/recipe/list.html?order=date")
        assert len(links(page)) == 10
        started = time.monotonic()
        process.stdin.close()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - started < 5
        assert process.stderr.read() == ""


def test_process_refuses_a_bad_argument_on_one_line() -> None:
    command = [sys.executable, "-m", "mmpipeline.sample.site.server", "--recipes", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
