"""The fake site's pages in every form: each stands there, and our parser reads what it says."""

import re

import pytest
import requests
from bs4 import BeautifulSoup

from mmpipeline.config import SampleConfig
from mmpipeline.sample.site.rare_forms import GENERATIONS, generation_of, rare_recipe_page
from mmpipeline.sample.site.server import serve_site
from mmpipeline.sample.world.recipes import SampleRecipe, recipe_at
from mmpipeline.sources.tenthousand.page.recipe_page import PageRecord, read_recipe_page

CONFIG = SampleConfig(recipes=110, photo_size_px=32)
HOST = "https://www.10000recipe.com"
RECIPES = [recipe_at(CONFIG, index) for index in range(0, CONFIG.recipes, 2)]
PAGES = [rare_recipe_page(CONFIG, recipe, HOST, 14_000) for recipe in RECIPES]


@pytest.fixture(scope="module")
def trees() -> list[BeautifulSoup]:
    return [BeautifulSoup(page, "lxml") for page in PAGES]


def read(recipe: SampleRecipe, page: str, *, cut: bool = True) -> PageRecord:
    number = int(recipe.source_id)
    url = f"{HOST}/recipe/{number}"
    record = read_recipe_page(page.encode(), "text/html; charset=UTF-8", url, number, cut=cut)
    assert isinstance(record, PageRecord)
    return record


@pytest.mark.parametrize(
    "selector",
    [
        "#divConfirmedMaterialArea .ingre_list_ea", "#divConfirmedMaterialArea .ingre_unit",
        ".cont_ingre dt", "#oldContArea", "#oldContArea p span", ".ingre_list_name > a",
        "a.ingre_list_btn", ".ready_ingre3:not([id]) li", "p.add_material", "p.add_tool",
        "p.add_fire", "p.add_tip2", ".view_step_cont .carousel img", "#completeimgs img",
        "dl.view_step_tip dd", ".view_step .view_tag", ".view_reply ~ .view_tag", "#contents_area",
        "#contents_area_full", ".view2_summary.st3", ".view2_summary_in_m1", "#ifrmRecipeVideo",
        "#measureModal", ".media-right", "style", '#main_thumbs[src$=".png"]', 'img[src$=".JPG"]',
        'img[src^="//"]', ".view_notice_date b:nth-of-type(2)", "ul:not([class]) .ready_ingre3_tt",
    ],
)  # fmt: skip
def test_each_form_stands_on_some_pages(trees: list[BeautifulSoup], selector: str) -> None:
    held = sum(tree.select_one(selector) is not None for tree in trees)
    assert held > 0
    if selector not in {"#measureModal", "style", "a.ingre_list_btn"}:
        assert held < len(PAGES)


def test_our_parser_reads_what_the_recipe_says() -> None:
    for recipe, page in zip(RECIPES, PAGES, strict=True):
        record = read(recipe, page)
        generation = generation_of(recipe)
        assert record.recipe.title == recipe.title
        names = [item.name for item in record.recipe.ingredients]
        if generation == "free_form":
            assert names == []
        elif generation != "flat":  # there name and amount are one text
            assert names == [item.name for item in recipe.ingredients]
        else:
            text = " ".join(item.text for item in record.recipe.ingredients)
            assert all(item.name in text for item in recipe.ingredients)
        steps = " ".join(record.recipe.instructions)
        is_wordless = generation == "free_form" and not steps
        assert is_wordless or all(step in steps for step in recipe.steps)
        assert not any("구매" in (name or "") for name in names)
        assert "큰술 넣으니" not in steps
    assert {generation_of(recipe) for recipe in RECIPES} == set(GENERATIONS)


def test_groups_and_amounts_come_in_every_form() -> None:
    groups = {len(BeautifulSoup(page, "lxml").select(".ready_ingre3_tt")) for page in PAGES}
    assert {1, 2, 3} <= groups
    amounts = {item.amount for recipe in RECIPES for item in recipe.ingredients}
    for form in (r"", r"\D+", r".*\d~\d.*", r".*\d/\d.*", r".*\d\.\d.*"):
        assert any(re.fullmatch(form, amount) for amount in amounts), form
    assert any(" " * 84 in page for page in PAGES)
    assert any("[재료 (60인분) ]" in page for page in PAGES)


def test_cutting_changes_nothing() -> None:
    for recipe, page in zip(RECIPES, PAGES, strict=True):
        assert read(recipe, page) == read(recipe, page, cut=False)


def test_pages_are_as_long_as_asked() -> None:
    lengths = [len(rare_recipe_page(CONFIG, r, HOST, 200_000)) for r in RECIPES[:10]]
    assert all(190_000 < length < 210_000 for length in lengths)


def test_the_site_serves_them_with_their_photos_and_smaller_pages() -> None:
    with serve_site(CONFIG, page_chars=8_000, every_form=True) as fake:
        for recipe in RECIPES[:10]:
            page = requests.get(f"{fake.base_url}/recipe/{recipe.source_id}", timeout=10).text
            tree = BeautifulSoup(page, "lxml")
            for image in tree.select("#main_thumbs, [id^=stepimg] img, #oldContArea img"):
                link = str(image["src"])
                link = f"http:{link}" if link.startswith("//") else link
                answer = requests.get(link, timeout=10)
                assert answer.headers["Content-Type"] == "image/jpeg", link
        ranking = requests.get(f"{fake.base_url}/ranking/home_new.html?dtype=d&rtype=r", timeout=10)
        cards = BeautifulSoup(ranking.text, "lxml").select("ul.common_sp_list_ul.ea4 > li")
        assert len(cards) == 55  # of 100, the world being small
        recipe = RECIPES[0]
        printed = requests.get(
            f"{fake.base_url}/recipe/print.html?seq={recipe.source_id}", timeout=10
        )
        assert recipe.title in printed.text
        ajax = f"{fake.base_url}/recipe/ajax.html?q_mode="
        asked = requests.get(f"{ajax}getListComment&seq={recipe.source_id}&page=1", timeout=10)
        assert "reply_list" in asked.text
        assert requests.get(f"{ajax}other", timeout=10).text == ""


def test_addresses_come_with_either_scheme_or_none() -> None:
    with serve_site(CONFIG, page_chars=8_000, every_form=True) as fake:
        links: list[str] = []
        for recipe in RECIPES:
            page = requests.get(f"{fake.base_url}/recipe/{recipe.source_id}", timeout=10)
            tree = BeautifulSoup(page.text, "lxml")
            links += [str(image["src"]) for image in tree.select("img[src]")]
            links += [str(m["content"]) for m in tree.select('meta[property="og:image"]')]
            record = read_recipe_page(
                page.content, page.headers["Content-Type"], page.url, int(recipe.source_id)
            )
            assert isinstance(record, PageRecord)
            photos = [image.url or "" for image in record.recipe.images]
            assert all(url.startswith(f"{fake.base_url}/cache/recipe/") for url in photos)
            assert len(set(photos)) == len(photos)
    for start in ("http://127", "https://recipe1.ezmember.co.kr/", "//127", "/img/"):
        assert any(link.startswith(start) for link in links), start
    names = {len(link.rpartition("/")[2].partition(".")[0]) for link in links if "/recipe/" in link}
    assert names == {32, 33}
    endings = {link.rpartition(".")[2] for link in links if "/cache/recipe/" in link}
    assert endings == {"jpg", "JPG", "png", "gif"}
