import pytest

from mmpipeline.catalog.labels.title_noise import TitleNoise
from mmpipeline.catalog.labels.title_parts import drop_ingredients, find_title_core


@pytest.mark.parametrize(
    ("title", "title_core", "is_whole"),
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
def test_cores(title: str, title_core: str, is_whole: bool) -> None:
    assert find_title_core(title) == (title_core, is_whole)


def test_learnt_chatter_goes_too() -> None:
    title_noise = TitleNoise(
        frozenset({"lazy", "sunday"}), frozenset({"revisited", "from scratch"})
    )
    assert find_title_core("Lazy Sunday Cabbage Rolls Revisited", title_noise) == (
        "cabbage rolls",
        True,
    )
    assert find_title_core("Cabbage Rolls from Scratch", title_noise) == ("cabbage rolls", True)
    assert find_title_core("Cabbage Rolls from Scratch") == ("cabbage rolls", False)
    assert find_title_core("Revisited Cabbage Sunday", title_noise) == (
        "revisited cabbage sunday",
        True,
    )


def test_its_own_ingredients_are_no_part_of_a_name() -> None:
    assert drop_ingredients("beef brisket jangjorim", "200 g beef brisket") == "brisket jangjorim"
    assert drop_ingredients("beef and leek dinner", "beef leek") == "and leek dinner"
    assert drop_ingredients("cabbage rolls", "cabbage rolls") == "cabbage rolls"
    assert drop_ingredients("감자 옹심이국", "감자") == "감자 옹심이국"
