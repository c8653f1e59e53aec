import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.schemas import Ingredient
from mmpipeline.text.ingredients import parse_ingredient


@pytest.mark.parametrize(
    ("line", "name", "quantity", "unit"),
    [
        ("돼지고기 300g", "돼지고기", 300.0, "g"),
        ("김치 1/2포기", "김치", 0.5, "포기"),
        ("대파 1대(흰부분)", "대파", 1.0, "대"),
        ("진간장2큰술", "진간장", 2.0, "큰술"),
        ("1등급 우유 200ml", "1등급 우유", 200.0, "ml"),
        ("양파 반 개", "양파", 0.5, "개"),
        ("간장: 2T", "간장", 2.0, "T"),
        ("2큰술 간장", "간장", 2.0, "큰술"),
        ("소금 약간", "소금", None, "약간"),
        ("다시마", "다시마", None, None),
        ("2 cups flour, sifted", "flour", 2.0, "cups"),
        ("1 1/2 tsp. salt", "salt", 1.5, "tsp"),
        ("1 (14 ounce) can tomatoes", "tomatoes", 1.0, "can"),
        ("14-ounce can of beans", "can of beans", 14.0, "ounce"),
        ("a pinch of salt", "salt", 1.0, "pinch"),
        ("A quarter of a pound of butter", "butter", 0.25, "pound"),
        ("Three eggs.", "eggs", 3.0, None),
        ("butter 50 g", "butter", 50.0, "g"),
        ("2% milk 1 cup", "2% milk", 1.0, "cup"),
        ("Salt and pepper to taste", "Salt and pepper", None, "to taste"),
        ("1 cup", "1 cup", None, None),
        ("黄油  50 克", "黄油", 50.0, "克"),
    ],
)
def test_parse_ingredient(line: str, name: str, quantity: float | None, unit: str | None) -> None:
    ingredient = parse_ingredient(line)
    assert (ingredient.name, ingredient.quantity, ingredient.unit) == (name, quantity, unit)


def test_range_group_and_text_are_kept() -> None:
    assert parse_ingredient(" 멸치육수  3~4컵 ", group="육수") == Ingredient(
        text="멸치육수 3~4컵",
        name="멸치육수",
        quantity=3.0,
        quantity_max=4.0,
        unit="컵",
        group="육수",
    )


def test_an_empty_line_has_no_name() -> None:
    assert parse_ingredient("\u200b ") == Ingredient(text="")


@given(st.text(max_size=60))
def test_any_line_is_read(line: str) -> None:
    ingredient = parse_ingredient(line)
    assert ingredient.name is None or ingredient.name
    assert (ingredient.text == "") <= (ingredient.name is None)


def test_a_long_line_takes_no_long_time() -> None:
    started = time.process_time()
    for part in ("a", "1 ", "(", "소금 ", "1/2~", ": ", "[x", "1 1/2 - "):
        line = part * (30_000 // len(part))
        assert parse_ingredient(line).name == line.strip()
        parse_ingredient(line[:300])
    assert time.process_time() - started < 1
