"""The report says what is there and what is missing."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.config import PairConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.pairs.report import read_report
from tests.pairs.tiny_catalog import HELD_OUT, Row, make_pairs, partner_of


@pytest.fixture
def report_and_pairs(tmp_path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    rows = [
        *(Row(f"10k:a{n}", dish="dish-a", language="en" if n % 2 else "ko") for n in range(4)),
        *(Row(f"10k:b{n}", dish="dish-b", has_image=n > 0) for n in range(3)),
        Row("10k:c", dish="dish-c"),
        Row("10k:nothing", dish="dish-a", has_image=False, has_text=False),
        Row("10k:d", dish=HELD_OUT),
    ]
    pairs = make_pairs(tmp_path, rows, PairConfig())
    report = json.loads((tmp_path / "pairs" / "report.json").read_text(encoding="utf-8"))
    return report, pairs


def test_report_counts_what_the_table_holds(
    report_and_pairs: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    report, pairs = report_and_pairs
    made = Counter((pair["split"], pair["kind"]) for pair in pairs)
    told = {(row["split"], row["kind"]): row["pairs"] for row in report["kinds"]}
    assert {key: count for key, count in told.items() if count} == made
    assert len(told) == 3 * 6
    languages = Counter((pair["language_pair"], pair["label"]) for pair in pairs)
    assert {
        (row["language_pair"], row["label"]): row["pairs"] for row in report["languages"]
    } == languages
    dishes = Counter(pair["left_image_dish"] or pair["left_text_dish"] for pair in pairs)
    assert {row["dish"]: row["pairs"] for row in report["dishes"]} == dishes


def test_report_counts_what_is_left_out_and_missing(
    report_and_pairs: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    report, _ = report_and_pairs
    counts = report["counts"]
    assert counts["catalogue_recipes"] == 10
    assert counts["held_out_in_train"] == 1
    assert counts["without_content"] == 1
    assert counts["recipes"] == counts["anchors"] == 8
    assert report["dishes_without_positives"] == [
        {"split": "train", "dish": "dish-c", "recipes": 1}
    ]
    missing = {row["kind"]: row["missing"] for row in report["shortfalls"]}
    assert missing["positive_dish"] == 4 * 1 + 3 * 2 + 4
    assert missing["negative_image"] == 0
    assert missing["negative_hard"] == 8 * 2


def test_report_names_the_busiest_recipes(
    report_and_pairs: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    report, pairs = report_and_pairs
    taken = Counter(partner_of(pair) for pair in pairs if pair["kind"] != "positive_recipe")
    assert {row["recipe_id"]: row["pairs"] for row in report["busiest"]} == taken
    assert [row["pairs"] for row in report["busiest"]] == sorted(taken.values(), reverse=True)


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"report\.json cannot be read: .* build pairs again"):
        read_report(tmp_path)
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_report(tmp_path)
