from pathlib import Path

import pandas as pd
from PIL import Image

from mmpipeline.evaluation.reports.report import write_report

COUNTS = {"queries": 40.0, "items": 100.0, "labelled_items": 60.0}
FIGURES = {"recall_at_1": 0.5, "recall_at_5": 0.75, "recall_at_10": 1.0, "median_rank": 2.0}


def figures_of(name: str) -> dict[str, float]:
    metrics = {f"{name}_queries": 40.0}
    for figure, value in FIGURES.items():
        metrics |= {
            f"{name}_{figure}": value,
            f"{name}_{figure}_raw": value / 2,
            f"{name}_{figure}_chance": value / 10,
            f"{name}_{figure}_low": value * 0.9,
            f"{name}_{figure}_high": value * 1.1,
        }
    return metrics


def test_sets_each_figure_beside_its_baselines(tmp_path: Path) -> None:
    metrics = COUNTS | figures_of("dish_title")
    write_report(metrics, tmp_path, split="test")
    text = (tmp_path / "report.md").read_text()
    assert "| title | 40 | 50.0 [45.0, 55.0] | 25.0 | - | - | 5.0 | 75.0 [67.5, 82.5] |" in text
    assert "| 2.0 [1.8, 2.2] (1.0, 0.2) |" in text
    assert "| photo |" not in text
    assert text.count("hold no such query") == 3
    assert "No dish has both references and queries." in text
    assert "fewer than 1,000 such recipes" in text


def test_bags_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    figures = {"recall_at_1": 0.1, "recall_at_5": 0.2, "recall_at_10": 0.3, "median_rank": 9.5}
    metrics = {f"recipe_image_to_text_1k_{key}": value for key, value in figures.items()}
    metrics["recipe_image_to_text_1k_median_rank_chance"] = 500.5
    write_report(COUNTS | metrics, tmp_path, split="test")
    text = (tmp_path / "report.md").read_text()
    assert "| photo to text | 1k | 10.0 | 20.0 | 30.0 | 9.5 (500.5) |" in text


def test_says_where_showing_more_found_less(tmp_path: Path) -> None:
    row = {"queries": 9, "recall_at_1": 0.5, "best_single": "title", "single_recall_at_1": 0.75}
    judged = pd.DataFrame(
        [row | {"gain": -0.25, "low": -0.4, "high": -0.1, "holds": False}], index=["PT"]
    )
    write_report(COUNTS, tmp_path, split="test", judged=judged)
    text = (tmp_path / "report.md").read_text()
    assert "| PT | 9 | 0.500 | title | 0.750 | -0.250 [-0.400, -0.100] | no |" in text


def test_the_chart_is_a_picture_with_something_on_it(tmp_path: Path) -> None:
    metrics = COUNTS | figures_of("dish_title") | figures_of("dish_full")
    write_report(metrics, tmp_path, split="test")
    with Image.open(tmp_path / "retrieval.png") as picture:
        assert picture.size == (1080, 540)
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert {(0x1F, 0x6F, 0x8B), (0xE0, 0xA4, 0x58)} <= {colour for _, colour in colours}


def test_a_chart_without_bars_is_still_drawn(tmp_path: Path) -> None:
    write_report({"queries": 3.0, "items": 0.0, "labelled_items": 0.0}, tmp_path, split="val")
    assert (tmp_path / "retrieval.png").stat().st_size > 0
