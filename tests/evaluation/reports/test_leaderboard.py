"""The choice is made on validation, and test figures of others are never shown."""

import json
from pathlib import Path

import pandas as pd

from mmpipeline.evaluation.reports.leaderboard import (
    GridResult,
    choose_cell,
    tabulate_results,
    write_leaderboard,
)

FIGURE = "dish_full_recall_at_1"


def figures(value: float) -> dict[str, float]:
    return {FIGURE: value, f"{FIGURE}_raw": 0.4, f"{FIGURE}_chance": 0.02, f"{FIGURE}_low": 0.1}


def result(loss: str, seed: int, score: float | None, test: float = 0.99) -> GridResult:
    worth = {"val_score_raw": 0.25, "val_score_chance": 0.05}
    return GridResult(
        axes={"loss": loss, "fusion": "gated", "encoder": "linear", "features": "f", "seed": seed},
        ids={"model_id": f"{loss}-{seed}"},
        training={} if score is None else {"val_score": score, "epochs": 3.0, **worth},
        figures={"val": figures(0.7), "test": figures(test), "frozen": figures(0.5)},
    )


RESULTS = [
    result("a", 1, 0.9, test=0.1),
    result("a", 2, 0.1),
    result("b", 1, 0.6),
    result("b", 2, 0.7, test=0.2),
]


def test_a_setting_is_judged_by_the_mean_of_its_seeds() -> None:
    assert choose_cell(RESULTS) == 3  # the best single cell is the first
    table = tabulate_results(RESULTS)
    assert table["rank"].tolist() == [1, 1, 2, 2]
    assert table["model_id"].tolist() == ["b-2", "b-1", "a-1", "a-2"]
    assert table["val_score_mean"].round(6).tolist() == [0.65, 0.65, 0.5, 0.5]
    assert table["val_score_spread"].round(6).tolist() == [0.05, 0.05, 0.4, 0.4]


def test_test_figures_decide_nothing_and_show_for_the_chosen_alone() -> None:
    table = tabulate_results(RESULTS)
    for source in ("test", "frozen"):
        shown = table[f"{source}_{FIGURE}"]
        assert shown.notna().tolist() == [True, False, False, False]
    assert table[f"test_{FIGURE}"][0] == 0.2
    assert table[f"val_{FIGURE}"].notna().all()
    for suffix in ("raw", "chance"):
        assert table[f"val_{FIGURE}_{suffix}"].notna().all()
        assert table[f"val_score_{suffix}"].notna().all()


def test_a_cell_without_a_score_comes_last() -> None:
    table = tabulate_results([result("c", 1, None), *RESULTS])
    assert table["model_id"].tolist()[-1] == "c-1"
    assert table["rank"].tolist()[-1] == 3


def test_writes_csv_json_and_a_page(tmp_path: Path) -> None:
    table = tabulate_results(RESULTS)
    write_leaderboard(table, tmp_path, "Grid <x>")
    assert len(pd.read_csv(tmp_path / "leaderboard.csv")) == 4
    rows = json.loads((tmp_path / "leaderboard.json").read_text())
    assert [row["chosen"] for row in rows] == [True, False, False, False]
    page = (tmp_path / "leaderboard.html").read_text()
    assert "Grid &lt;x&gt;" in page
    assert page.count("class=chosen") == 1
    assert "40.0 / 2.0" in page  # raw features / chance
    assert "20.0" in page
    assert "99.0" not in page
    assert "10.0</td>" not in page
