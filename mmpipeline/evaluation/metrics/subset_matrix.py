"""Any query against any index: the matrix of the 15 subsets of four modalities, both ways.

A row is what the query shows, a column what the items were embedded from; the last column, items
with all they have, is the product's real case. One number a row says whether a model keeps its
promise: that showing more never finds less than the best single part of it.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.evaluation.metrics.retrieval import Relevance, bootstrap_interval, rank_vectors
from mmpipeline.models.embed import mask_subset
from mmpipeline.schemas import MODALITIES, Modality

SUBSETS: tuple[tuple[Modality, ...], ...] = tuple(
    subset for size in range(1, 5) for subset in combinations(MODALITIES, size)
)
LETTERS = {"image": "P", "title": "T", "ingredients": "I", "instructions": "S"}
WORDS = {"image": "photo", "title": "title", "ingredients": "ingredients", "instructions": "steps"}
CHART_NAME = "matrix.png"

Embed = Callable[[Int64Array, BoolArray], Tensor]
"""From rows and what each shows to vectors of unit length."""


def name_subset(subset: tuple[Modality, ...]) -> str:
    """Return the letters of a subset: ``P``, ``TI``, ``PTIS``."""
    return "".join(LETTERS[name] for name in subset)


def measure_matrix(
    embed: Embed,
    presence: BoolArray,
    sides: tuple[Int64Array, Int64Array],
    labels: Mapping[str, Int64Array],
) -> dict[tuple[str, str], Int64Array]:
    """Rank the nearest item of the query's dish, for every pair of subsets.

    Queries and items that have nothing of their subset are left out. Copies of the query are no
    candidates.

    Parameters
    ----------
    embed
        The model.
    presence
        Shape (N, 4), what each recipe has.
    sides
        Rows of the queries, shape (Q,), and of the items, shape (M,).
    labels
        ``dish`` and ``group`` of all recipes, shape (N,) each.

    Returns
    -------
    dict
        By letters of query and item subset, the ranks of all queries, shape (Q,): 0 where one
        shows nothing or has no relevant item.
    """
    asked, items = sides
    ranks: dict[tuple[str, str], Int64Array] = {}
    answers = {name_subset(subset): _show(embed, presence, items, subset) for subset in SUBSETS}
    for subset in SUBSETS:
        shown, queries = _show(embed, presence, asked, subset)
        for letters, (rows, vectors) in answers.items():
            found = np.zeros(len(asked), dtype=np.int64)
            if len(shown) and len(rows):
                relevance = Relevance(
                    labels["dish"][asked[shown]],
                    labels["dish"][items[rows]],
                    labels["group"][asked[shown]],
                    labels["group"][items[rows]],
                )
                found[shown] = rank_vectors(queries, vectors, relevance)
            ranks[name_subset(subset), letters] = found
    return ranks


def tabulate_matrix(ranks: Mapping[tuple[str, str], Int64Array], k: int = 1) -> pd.DataFrame:
    """Return recall_at_k, queries in rows and items in columns, both in the order of `SUBSETS`."""
    names = [name_subset(subset) for subset in SUBSETS]
    values = [[_share(ranks[row, column], k) for column in names] for row in names]
    return pd.DataFrame(values, index=names, columns=names)


def judge_subsets(ranks: Mapping[tuple[str, str], Int64Array], seed: int) -> pd.DataFrame:
    """Compare each subset as a query of full items with the best single modality in it.

    Only queries that show every part of the subset count, so that both are asked the same.

    Parameters
    ----------
    ranks
        From `measure_matrix`.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        By subset of two or more: ``recall_at_1``, the ``best_single`` and its
        ``single_recall_at_1``, the ``gain`` and the 95 % interval of the paired difference,
        ``low`` and ``high``; ``holds`` where the interval reaches 0.
    """
    full = name_subset(MODALITIES)
    rows = {}
    for subset in SUBSETS[len(MODALITIES) :]:
        name = name_subset(subset)
        singles = {part: ranks[LETTERS[part], full] for part in subset}
        counted = np.all(
            [ranks[name, full] > 0, *(found > 0 for found in singles.values())], axis=0
        )
        if not counted.any():
            continue
        shares = {part: _share(found[counted], 1) for part, found in singles.items()}
        best = max(shares, key=lambda part: shares[part])
        difference = (ranks[name, full][counted] == 1).astype(np.float64)
        own = float(difference.mean())
        difference -= singles[best][counted] == 1
        low, high = bootstrap_interval(difference, _row_means, seed)
        rows[name] = {
            "queries": int(counted.sum()),
            "recall_at_1": own,
            "best_single": WORDS[best],
            "single_recall_at_1": shares[best],
            "gain": float(difference.mean()),
            "low": low,
            "high": high,
            "holds": high >= 0,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def draw_matrix(table: pd.DataFrame, path: Path) -> None:
    """Draw the matrix as a heat map with a number in every cell.

    Parameters
    ----------
    table
        From `tabulate_matrix`.
    path
        PNG to write.
    """
    values = 100 * table.to_numpy()
    with mpl.rc_context({"font.size": 8, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(8, 7), dpi=120, layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(np.nan_to_num(values), cmap="YlGnBu", vmin=0, vmax=100)
        for row, column in np.ndindex(*values.shape):
            if np.isfinite(values[row, column]):
                colour = "white" if values[row, column] > 55 else "black"
                axes.text(column, row, f"{values[row, column]:.0f}", ha="center", va="center",
                          color=colour)  # fmt: skip
        axes.set_xticks(range(len(table.columns)), table.columns, rotation=45)
        axes.set_yticks(range(len(table.index)), table.index)
        axes.set_xlabel("what the items were embedded from")
        axes.set_ylabel("what the query shows")
        axes.set_title(
            "Recall at 1 of the right dish (%)\nP photo, T title, I ingredients, S steps"
        )
        figure.colorbar(image, shrink=0.7, label="%")
        figure.savefig(path, metadata={"Software": None})


def _show(
    embed: Embed, presence: BoolArray, rows: Int64Array, subset: tuple[Modality, ...]
) -> tuple[Int64Array, Tensor]:
    """Return which of the rows show something of a subset, and their vectors."""
    mask = mask_subset(presence[rows], subset)
    shown = np.flatnonzero(mask.any(axis=1))
    return shown, embed(rows[shown], mask[shown])


def _share(ranks: Int64Array, k: int) -> float:
    found = ranks[ranks > 0]
    return float((found <= k).mean()) if len(found) else float("nan")


def _row_means(values: np.ndarray) -> np.ndarray:
    means: np.ndarray = values.mean(axis=1)
    return means
