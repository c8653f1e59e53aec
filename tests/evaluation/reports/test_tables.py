from pathlib import Path

import numpy as np
import pandas as pd

from mmpipeline.evaluation.reports.tables import tabulate_figures, to_markdown, write_tables

METRICS = {
    "queries": 9.0,
    "dish_full_recall_at_1": 0.9,
    "dish_full_recall_at_1_raw": 0.8,
    "dish_full_recall_at_1_low": 0.85,
    "dish_full_unknown_recall_at_1": 0.5,
    "prototype_full_unknown_top1": 0.4,
    "prototype_full_harmonic_mean_raw": 0.3,
    "recipe_image_to_text_1k_median_rank_chance": 500.5,
}


def test_lays_each_figure_beside_its_baselines() -> None:
    table = tabulate_figures(METRICS).set_index(["question", "figure"])
    assert table.loc[("dish_full", "recall_at_1"), ["learned", "low", "raw"]].tolist() == [
        0.9, 0.85, 0.8,
    ]  # fmt: skip
    assert table.loc[("dish_full_unknown", "recall_at_1"), "learned"] == 0.5
    assert table.loc[("prototype_full", "unknown_top1"), "learned"] == 0.4
    assert table.loc[("prototype_full", "harmonic_mean"), "raw"] == 0.3
    assert table.loc[("recipe_image_to_text_1k", "median_rank"), "chance"] == 500.5
    assert np.isnan(table.loc[("dish_full", "recall_at_1"), "tfidf"])


def test_writes_three_tables(tmp_path: Path) -> None:
    matrix = pd.DataFrame([[0.5]], index=["P"], columns=["PTIS"])
    write_tables(METRICS, matrix, pd.DataFrame({"holds": [True]}, index=["PT"]), tmp_path)
    assert len(pd.read_csv(tmp_path / "figures.csv")) == 5
    assert pd.read_csv(tmp_path / "matrix.csv", index_col="query").loc["P", "PTIS"] == 0.5
    assert (tmp_path / "subsets.csv").read_text() == "subset,holds\nPT,True\n"


def test_a_table_in_markdown() -> None:
    table = pd.DataFrame({"share": [0.25], "word": ["yes"]}, index=pd.Index(["PT"], name="query"))
    assert to_markdown(table) == "| query | share | word |\n|---|---|---|\n| PT | 0.250 | yes |"
