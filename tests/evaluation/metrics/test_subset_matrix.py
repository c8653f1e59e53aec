from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor

from mmpipeline.evaluation.metrics.subset_matrix import (
    SUBSETS,
    draw_matrix,
    judge_subsets,
    measure_matrix,
    name_subset,
    tabulate_matrix,
)

ROWS = np.arange(8)
DISH = np.array([0, 0, 1, 1, 2, 2, 3, 3])
PRESENCE = np.ones((8, 4), dtype=np.bool_)
PRESENCE[7, 0] = False


def embed(rows: np.ndarray, mask: np.ndarray) -> Tensor:
    """The title tells all; without it everything lies in one place."""
    tells = torch.from_numpy(mask[:, 1:2]).float()
    return torch.eye(4)[DISH[rows]] * tells + torch.ones(len(rows), 4) / 2 * (1 - tells)


@pytest.fixture(scope="module")
def ranks() -> dict[tuple[str, str], np.ndarray]:
    labels = {"dish": DISH, "group": ROWS}
    return measure_matrix(embed, PRESENCE, (ROWS, ROWS), labels)


def test_there_are_fifteen_subsets_the_full_one_last() -> None:
    assert len(SUBSETS) == 15
    assert name_subset(SUBSETS[-1]) == "PTIS"


def test_what_tells_finds_and_what_does_not_is_last(
    ranks: dict[tuple[str, str], np.ndarray],
) -> None:
    assert ranks["T", "PTIS"].tolist() == [1] * 8
    assert ranks["I", "IS"].tolist() == [7] * 8  # all alike: ties count against it
    assert ranks["P", "T"][7] == 0  # shows nothing


def test_the_table_has_queries_in_rows(ranks: dict[tuple[str, str], np.ndarray]) -> None:
    table = tabulate_matrix(ranks)
    assert table.shape == (15, 15)
    assert table.loc["T", "PTIS"] == 1.0
    assert table.loc["T", "PTIS"] == table.loc["PTIS", "T"]
    assert table.loc["I", "PTIS"] == 0.0


def test_a_subset_that_does_worse_than_its_part_is_named() -> None:
    right, wrong = np.ones(40, dtype=np.int64), np.full(40, 9)
    ranks = {(name_subset(subset), "PTIS"): right for subset in SUBSETS}
    ranks["PI", "PTIS"] = wrong
    ranks["P", "PTIS"] = np.where(np.arange(40) < 30, 1, 0)  # ten queries show no photo
    judged = judge_subsets(ranks, seed=0)
    assert judged.index.tolist() == [name_subset(subset) for subset in SUBSETS[4:]]
    assert not judged.loc["PI", "holds"]
    assert judged.loc["PI", "queries"] == 30
    assert judged.loc["PI", "gain"] == -1.0
    assert judged.drop("PI")["holds"].all()


def test_the_picture_holds_the_colour_of_a_full_cell(tmp_path: Path) -> None:
    names = [name_subset(subset) for subset in SUBSETS]
    table = pd.DataFrame(1.0, index=names, columns=names)
    table.iloc[0, 0] = np.nan
    draw_matrix(table, tmp_path / "matrix.png")
    with Image.open(tmp_path / "matrix.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert (8, 29, 88) in {colour for _, colour in colours}  # the darkest blue of the map
