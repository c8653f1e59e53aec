import pytest

from mmpipeline.features.content import (
    ingredient_name,
    ingredients_content,
    instructions_content,
    title_content,
)


@pytest.mark.parametrize("line", ["두부 1모", "두부", "두부 1/2모(부침용)"])
def test_line_and_name_read_alike(line: str) -> None:
    assert ingredient_name(line) == "두부"


@pytest.mark.parametrize(
    "line", ["2 cups flour, sifted", "12", "", "(약간)", "1 2 3 4 5 6 7", "소금 약간 조금"]
)
def test_reading_a_name_again_changes_nothing(line: str) -> None:
    assert ingredient_name(ingredient_name(line)) == ingredient_name(line)


def test_parts_are_joined_and_absent_ones_empty() -> None:
    assert ingredients_content(["두부 1모", "간장 2큰술"]) == "두부\n간장"
    assert instructions_content(["썬다.", None, "", "끓인다."]) == "썬다.\n끓인다."
    assert (title_content(None), ingredients_content([]), instructions_content([])) == ("", "", "")
