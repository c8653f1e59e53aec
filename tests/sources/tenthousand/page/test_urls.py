import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.sources.tenthousand.page.urls import (
    find_recipe_number,
    image_name,
    normalize_url,
)

PAGE = "http://www.10000recipe.com/recipe/1"
PHOTO = "https://recipe1.ezmember.co.kr/cache/recipe/a.jpg"


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("/recipe/7000001", "7000001"),
        ("http://www.10000recipe.com/recipe/149207", "149207"),
        ("https://m.10000recipe.com/recipe/00924490/?x=1#top", "924490"),
        ("/recipe/list.html", None),
        ("/recipe/", None),
        ("/recipe/0", None),
        ("/recipe/\uff11\uff12", None),
        ("http://[", None),
    ],
)
def test_a_recipe_is_known_by_its_number(url: str, number: str | None) -> None:
    assert find_recipe_number(url) == number


@pytest.mark.parametrize(
    "link",
    [
        PHOTO,
        "http://recipe1.ezmember.co.kr/cache/recipe/a.jpg",
        "//recipe1.ezmember.co.kr/cache/recipe/a.jpg#top",
        " https://recipe1.ezmember.co.kr:443/cache/recipe/a.jpg\n",
        "http://recipe1.ezmember.co.kr:80/cache/recipe/a.jpg",
    ],
)
def test_all_links_to_one_photo_have_one_spelling(link: str) -> None:
    assert normalize_url(link, PAGE) == PHOTO


def test_links_are_relative_to_their_page() -> None:
    page = "http://127.0.0.1:8000/recipe/1"
    assert normalize_url("/a b.jpg", page) == "http://127.0.0.1:8000/ab.jpg"
    assert normalize_url("/국.jpg", page) == "http://127.0.0.1:8000/%EA%B5%AD.jpg"


@pytest.mark.parametrize(
    "link", ["javascript:void(0)", "data:image/png;base64,xx", "http://[", "http:///a"]
)
def test_what_is_no_address_is_none(link: str) -> None:
    assert normalize_url(link, "https://example.org/") in {None, "https://example.org/a"}


@settings(deadline=None)
@given(st.text(max_size=60))
def test_normalizing_twice_changes_nothing(link: str) -> None:
    once = normalize_url(link, PAGE)
    if once is not None:
        assert normalize_url(once, PAGE) == once
        assert normalize_url(once, "https://example.org/x") == once


def test_names() -> None:
    assert image_name("https://example.org/a/b.JPG?x=1") == "b.JPG"
