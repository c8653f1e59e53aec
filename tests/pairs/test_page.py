"""The page tells what the report holds, in tables and pictures."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from mmpipeline.config import PairConfig
from mmpipeline.pairs.figures import (
    draw_busiest,
    draw_dishes,
    draw_kinds,
    draw_languages,
    draw_lonely_dishes,
)
from mmpipeline.pairs.page import write_page
from tests.pairs.tiny_catalog import Row, make_pairs

CHARTS = {
    "busiest_recipes.png",
    "dishes_without_positives.png",
    "pairs_by_dish.png",
    "pairs_by_kind.png",
    "pairs_by_language.png",
}


@pytest.fixture
def report(tmp_path: Path) -> dict[str, Any]:
    rows = [
        *(Row(f"10k:a{n}", dish="dish-a", language="en" if n % 2 else "ko") for n in range(4)),
        *(Row(f"10k:b{n}", dish="ko:오징어|볶음") for n in range(3)),
        Row("10k:c", dish="dish-c"),
    ]
    make_pairs(tmp_path, rows, PairConfig())
    stored = (tmp_path / "pairs" / "report.json").read_text(encoding="utf-8")
    return dict(json.loads(stored))


def test_page_holds_tables_and_every_chart(report: dict[str, Any], tmp_path: Path) -> None:
    page = write_page(report, tmp_path)
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == page
    assert {path.name for path in tmp_path.glob("*.png")} == CHARTS
    for name in CHARTS:
        assert f"]({name})" in page
        content = (tmp_path / name).read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        assert (width, height) == (900, 450)
    kinds = {row["kind"]: row["pairs"] for row in report["kinds"] if row["split"] == "train"}
    assert f"| positive_dish | same dish | {kinds['positive_dish']} | 0 | 0 |" in page
    assert "| train | dish-c |" in page
    assert "ko:오징어\\|볶음" in page
    assert "8 recipes of the catalogue" in page
    busiest = report["busiest"][0]
    assert (
        f"| 1 | {busiest['recipe_id']} | {busiest['dish']} | train |".replace(
            "오징어|", "오징어\\|"
        )
        in page
    )


def test_the_same_report_gives_the_same_bytes(report: dict[str, Any], tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_page(report, tmp_path / name)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]


def test_charts_draw_what_the_rows_say(report: dict[str, Any]) -> None:
    axes = Figure().subplots(5)
    draw_kinds(axes[0], report["kinds"])
    pairs = sum(row["pairs"] for row in report["kinds"])
    assert sum(patch.get_height() for patch in axes[0].patches) == pairs
    draw_dishes(axes[1], sorted(report["dishes"], key=lambda row: -row["pairs"]))
    assert sum(patch.get_height() for patch in axes[1].patches) == pairs
    assert [text.get_text() for text in axes[1].get_xticklabels()] == [
        "1. dish-a",
        "2.",  # no font of every machine has its letters
        "3. dish-c",
    ]
    draw_languages(axes[2], report["languages"])
    assert sum(patch.get_height() for patch in axes[2].patches) == pairs
    draw_lonely_dishes(axes[3], report["dishes"])
    assert sorted(patch.get_width() for patch in axes[3].patches) == [0, 0, 0, 0, 1, 2]
    draw_busiest(axes[4], report["busiest"])
    widths = [patch.get_width() for patch in axes[4].patches]
    assert widths == [row["pairs"] for row in report["busiest"]]


def test_a_name_that_looks_like_a_formula_is_drawn_as_it_is(tmp_path: Path) -> None:
    figure, name = Figure(), "$a$ and $\\frac$"
    axes = figure.subplots(2)
    draw_dishes(axes[0], [{"dish": name, "pairs": 2, "positives": 1, "hard_negatives": 0}])
    draw_busiest(axes[1], [{"recipe_id": name, "split": "train", "pairs": 2}])
    figure.savefig(tmp_path / "names.png")
    shown = [*axes[0].get_xticklabels(), *axes[1].get_yticklabels()]
    assert [text.get_text() for text in shown] == 2 * [f"1. {name}"]
