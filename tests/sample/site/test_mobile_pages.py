"""The mobile pages over real HTTP: the host name decides."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
import requests
from bs4 import BeautifulSoup

from mmpipeline.config import SampleConfig
from mmpipeline.sample.site.server import FakeSite, serve_site
from mmpipeline.sample.world.recipes import recipe_at

CONFIG = SampleConfig(recipes=60, photo_size_px=32)
RECIPES = [recipe_at(CONFIG, index) for index in range(0, CONFIG.recipes, 2)]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeSite]:
    with serve_site(CONFIG) as running:
        yield running


def get(fake: FakeSite, path: str, **headers: str) -> requests.Response:
    port = fake.base_url.rpartition(":")[2]
    named = {"Host": f"m.localhost:{port}"} | headers
    return requests.get(fake.base_url + path, headers=named, timeout=10)


def test_a_mobile_page_says_what_the_recipe_says(fake: FakeSite) -> None:
    forms = set()
    for recipe in RECIPES:
        answer = get(fake, f"/recipe/{recipe.source_id}")
        assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
        page = BeautifulSoup(answer.text, "lxml")
        title = page.select_one("div.view3_top_tit")
        assert title is not None
        assert next(title.stripped_strings) == recipe.title
        assert len(page.select("div.view3_top_info span")) == 3
        steps = page.select("li[id^=stepDiv] div.step_list_txt_cont")
        assert [step.text for step in steps] == list(recipe.steps)
        names = [n.text for n in page.select("dl.view3_ingre ul.ingre_list div.ingre_list_name")]
        forms.add(bool(names))
        if names:
            assert names == [item.name for item in recipe.ingredients]
            assert page.select_one("div.ingre_list_name > a") is not None
        else:
            old = page.select_one("dl.view3_ingre dd")
            assert old is not None
            assert all(item.name in old.text for item in recipe.ingredients)
        photo = page.select_one("div.view3_pic_img img")
        assert (photo is not None) == recipe.has_photo
        assert page.select_one(".view2_summary") is None
    assert forms == {True, False}


def test_photos_of_mobile_pages_are_there(fake: FakeSite) -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.has_photo)
    page = BeautifulSoup(get(fake, f"/recipe/{recipe.source_id}").text, "lxml")
    photo = page.select_one("div.view3_pic_img img")
    assert photo is not None
    answer = requests.get(str(photo["src"]), timeout=10)
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_the_mobile_list_names_every_recipe(fake: FakeSite) -> None:
    page = BeautifulSoup(get(fake, "/recipe/list.html?order=date&page=1").text, "lxml")
    found = {str(entry["onclick"]) for entry in page.select("div.recipe_list div.media[onclick]")}
    assert found == {f"location.href='/recipe/{recipe.source_id}'" for recipe in RECIPES}


def test_a_missing_recipe_is_an_alert_there_too(fake: FakeSite) -> None:
    answer = get(fake, "/recipe/9999999")
    assert answer.status_code == HTTPStatus.OK
    assert "레시피 정보가 없습니다." in answer.text[:200]


def test_other_host_names_get_the_desktop_page(fake: FakeSite) -> None:
    path = f"/recipe/{RECIPES[0].source_id}"
    assert "view2_summary" in requests.get(fake.base_url + path, timeout=10).text
    tag = get(fake, path).headers["ETag"]
    again = get(fake, path, **{"If-None-Match": tag})
    assert again.status_code == HTTPStatus.NOT_MODIFIED
