import pytest

from mmpipeline.config import ScrapeConfig
from mmpipeline.errors import ConfigError
from mmpipeline.sources.tenthousand.page.categories import (
    AXES,
    CATEGORIES,
    expand_categories,
)
from mmpipeline.sources.tenthousand.page.lists import (
    everything,
    named_recipes,
    wanted_lists,
)


def test_all_categories_have_names_in_both_languages() -> None:
    assert list(AXES) == list(CATEGORIES)
    assert {axis: len(codes) for axis, codes in CATEGORIES.items()} == {
        "cat4": 17, "cat2": 14, "cat3": 16, "cat1": 14,
    }  # fmt: skip
    codes = [code for axis in CATEGORIES.values() for code in axis]
    assert len(set(codes)) == len(codes)
    assert CATEGORIES["cat4"][55] == ("찌개", "stews")
    others = [
        code for axis in CATEGORIES.values() for code, (ko, _) in axis.items() if ko == "기타"
    ]
    assert others == [62, 22, 34, 11]


def test_categories_expand_once_each() -> None:
    assert expand_categories(["cat4=55", "cat1", "cat4=55"])[:2] == [("cat4", 55), ("cat1", 6)]
    assert len(expand_categories(["all", "cat2"])) == 61


@pytest.mark.parametrize("name", ["cat5", "cat4=1", "찌개", "cat4=x", ""])
def test_a_category_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"scrape\.categories"):
        expand_categories([name])


def test_addresses_of_lists() -> None:
    base = "https://example.org/"
    url = everything("date").url(base, 3)
    assert url == "https://example.org/recipe/list.html?order=date&page=3"
    config = ScrapeConfig(categories=("cat4=55",), queries=("김치 국",), rankings=("m",))
    assert [(found.name, found.url(base, 2)) for found in wanted_lists(config)] == [
        ("ranking=m", "https://example.org/ranking/home_new.html?dtype=m&rtype=r"),
        (
            "q=김치 국",
            "https://example.org/recipe/list.html?q=%EA%B9%80%EC%B9%98+%EA%B5%AD&order=date&page=2",
        ),
        ("cat4=55", "https://example.org/recipe/list.html?cat4=55&order=date&page=2"),
    ]


def test_recipes_may_be_named_in_any_way() -> None:
    names = ("7000001", "10k:7000002", "http://www.10000recipe.com/recipe/7000003", "/recipe/04")
    assert named_recipes(ScrapeConfig(recipes=names)) == [7000001, 7000002, 7000003, 4]


@pytest.mark.parametrize("name", ["", "soup", "https://example.org/", "1" * 13, "-1"])
def test_what_names_no_recipe_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"scrape\.recipes"):
        named_recipes(ScrapeConfig(recipes=(name,)))
