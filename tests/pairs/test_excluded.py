"""Recipes that link sides of the split stand in no pair, change none, and are counted."""

from pathlib import Path

import pytest

from mmpipeline.config import PairConfig
from mmpipeline.pairs.page import write_page
from mmpipeline.pairs.report import read_report
from tests.pairs.tiny_catalog import Row, make_pairs, varied_rows

LINKS = [
    Row("10k:x1", dish="dish-1", split="excluded", group="10k:00001", ingredients=("salt", "egg")),
    Row("10k:x2", dish=None, split="excluded"),
    Row("10k:x3", dish="dish-of-its-own", split="excluded", language="other"),
    Row("10k:x4", dish="dish-2", split="excluded", has_image=False, has_text=False),
]


def test_excluded_recipes_change_no_pair(tmp_path: Path) -> None:
    rows = varied_rows(120, 6)
    without = make_pairs(tmp_path / "without", rows, PairConfig())
    beside = make_pairs(tmp_path / "beside", [*rows, *LINKS], PairConfig())
    assert beside == without


def test_the_report_counts_excluded_recipes(tmp_path: Path) -> None:
    make_pairs(tmp_path, [*varied_rows(120, 6), *LINKS], PairConfig(dishes=("dish-1", "dish-4")))
    report = read_report(tmp_path / "pairs")
    counts = report["counts"]
    assert counts["excluded"] == len(LINKS)
    assert counts["catalogue_recipes"] == 120 + len(LINKS)
    left_out = ("excluded", "held_out_in_train", "not_in_dish_list", "without_content")
    assert counts["recipes"] + sum(counts[name] for name in left_out) == 120 + len(LINKS)
    assert "excluded" not in {row["split"] for row in report["kinds"]}
    page = write_page(report, tmp_path)
    assert "4 that link sides of the split" in page


@pytest.mark.parametrize("linked", [LINKS, LINKS[:1]])
def test_shares_of_ingredients_count_no_excluded_recipe(tmp_path: Path, linked: list[Row]) -> None:
    """Look-alike dishes follow from what a split's own recipes name."""
    rows = [
        Row(f"10k:{dish}{n}", dish=f"dish-{dish}", ingredients=(f"only {dish}", "shared by all"))
        for dish in "abc"
        for n in range(3)
    ]
    without = make_pairs(tmp_path / "without", rows, PairConfig(common_fraction=1))
    beside = make_pairs(tmp_path / "beside", [*rows, *linked], PairConfig(common_fraction=1))
    assert beside == without
