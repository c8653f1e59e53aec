import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.sources.recipe1m.cleaning import (
    Repair,
    clean_dump_text,
    find_lost_fraction,
    read_ingredients,
)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Mix &amp;amp; bake", "Mix & bake"),
        ("Mom\x92s pie", "Mom\u2019s pie"),
        (r"1\u00bd cups", "1½ cups"),
        (r"\ud55c\uae00", "한글"),
        (r"smile \ud83d\ude00", "smile \U0001f600"),
        (r"Mix.\nBake.\tServe", "Mix. Bake. Serve"),
        (r"C:\nonsense", r"C:\nonsense"),
        (r"a 9\" pan", 'a 9" pan'),
        ("mac%20and%20cheese", "mac and cheese"),
        ("cr%C3%A8me", "crème"),
        ("50% off", "50% off"),
        ("100%ab juice", "100%ab juice"),
        (" \\n ", None),
        (None, None),
    ],
)
def test_clean_dump_text(raw: str | None, clean: str | None) -> None:
    assert clean_dump_text(raw) == clean


@given(st.text(st.sampled_from("\\u00bd%20n&amp;#38; aZ\x93"), max_size=40))
def test_clean_dump_text_is_idempotent(text: str) -> None:
    once = clean_dump_text(text)
    assert clean_dump_text(once) == once


@pytest.mark.parametrize(
    ("line", "repair"),
    [
        ("12 cup sugar", Repair(0.5, 0.95)),
        ("34 teaspoon salt", Repair(0.75, 0.95)),
        ("14 tsp. salt", Repair(0.25, 0.8)),
        ("1 12 cups flour", Repair(1.5, 0.9)),
        ("12 eggs", None),
        ("12 cups stock", None),
        ("12 tablespoons butter", None),
        ("14 ounce can tomatoes", None),
        ("22 cup water", None),
        ("2 cup water", None),
        ("1/2 cup water", None),
    ],
)
def test_find_lost_fraction(line: str, repair: Repair | None) -> None:
    assert find_lost_fraction(line) == repair


def test_a_repaired_line_keeps_its_text() -> None:
    read = read_ingredients(["12 cup brown sugar", "12 eggs"])
    sugar, eggs = read.ingredients
    assert (sugar.text, sugar.name) == ("12 cup brown sugar", "brown sugar")
    assert (sugar.quantity, sugar.unit) == (0.5, "cup")
    assert eggs.quantity == 12
    assert read.repairs == (("12 cup brown sugar", Repair(0.5, 0.95)),)


def test_headers_become_groups_and_notes_leave() -> None:
    read = read_ingredients([
        "2 eggs",
        "For the sauce:",
        "1 cup milk",
        "",
        "(makes 12 pieces)",
        "--- Topping ---",
        "Salt",
        "[양념]",
        "간장 2큰술",
        "Yield: 4",
        "&nbsp;",
    ])
    assert [(line.name, line.group) for line in read.ingredients] == [
        ("eggs", None),
        ("milk", "For the sauce"),
        ("Salt", "Topping"),
        ("간장", "양념"),
    ]
    assert read.notes == ("(makes 12 pieces)", "Yield: 4")
    assert read.empty_lines == 2


@pytest.mark.parametrize("part", ["\\", "\\u00", "%4", "&", "&amp;", "\\\\n"])
def test_a_long_run_of_escapes_takes_no_long_time(part: str) -> None:
    started = time.process_time()
    clean_dump_text(part * 20_000)
    assert time.process_time() - started < 1
