import pytest

from mmpipeline.catalog.labels.title_noise import Chatter
from mmpipeline.catalog.labels.title_parts import drop_ingredients, find_core


@pytest.mark.parametrize(
    ("title", "core", "is_whole"),
    [
        ("초간단 감자국 황금레시피 만들기", "감자국", True),
        ("엄마표 강원도 감자국~^^", "강원도 감자국", True),
        ("Grandma's Easy Cabbage Rolls Recipe", "cabbage rolls", True),
        ("Cabbage Rolls for Beginners", "cabbage rolls", True),
        ("Cabbage Rolls with Rice", "cabbage rolls", False),
        ("The Best!", "", True),
        ("만들기", "", True),
    ],
)
def test_cores(title: str, core: str, is_whole: bool) -> None:
    assert find_core(title) == (core, is_whole)


def test_learnt_chatter_goes_too() -> None:
    chatter = Chatter(frozenset({"lazy", "sunday"}), frozenset({"revisited", "from scratch"}))
    assert find_core("Lazy Sunday Cabbage Rolls Revisited", chatter) == ("cabbage rolls", True)
    assert find_core("Cabbage Rolls from Scratch", chatter) == ("cabbage rolls", True)
    assert find_core("Cabbage Rolls from Scratch") == ("cabbage rolls", False)
    assert find_core("Revisited Cabbage Sunday", chatter) == ("revisited cabbage sunday", True)


def test_its_own_ingredients_are_no_part_of_a_name() -> None:
    assert drop_ingredients("beef brisket jangjorim", "200 g beef brisket") == "brisket jangjorim"
    assert drop_ingredients("beef and leek dinner", "beef leek") == "and leek dinner"
    assert drop_ingredients("cabbage rolls", "cabbage rolls") == "cabbage rolls"
    assert drop_ingredients("감자 옹심이국", "감자") == "감자 옹심이국"
