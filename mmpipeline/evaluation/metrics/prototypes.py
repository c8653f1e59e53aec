"""Classification by the nearest prototype, the mean of K drawn references.

References are unit vectors; their mean is scaled to unit length again. The draw is seeded and
repeated, because one draw alone moves the figures by about half a point. Ties count against us,
as everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.evaluation.metrics.retrieval import bootstrap_interval


@dataclass(frozen=True, slots=True)
class PrototypeFigures:
    """Shares of queries that were named right, each averaged over draws.

    Attributes
    ----------
    top1, top5
        Over all queries.
    known_top1, unknown_top1
        Over queries of dishes that training saw, and did not see; all dishes are candidates for
        both. NaN without such queries.
    harmonic_mean
        Of the two; NaN when either is.
    spread
        Standard deviation of `top1` over draws.
    """

    top1: float
    top5: float
    known_top1: float
    known_top5: float
    unknown_top1: float
    unknown_top5: float
    harmonic_mean: float
    spread: float


Replacement = Literal["never", "auto"]


def draw_references(
    labels: Int64Array, references: int, seed: int, replace: Replacement = "never"
) -> list[Int64Array]:
    """Draw rows of each class.

    Parameters
    ----------
    labels
        Shape (N,), classes 0 to C-1; negative rows are never drawn.
    references
        K.
    seed
        Of the draw.
    replace
        `never`: a class of fewer than K rows gives what it has. `auto`: such a class is drawn from
        with replacement, so that each class gives K.

    Returns
    -------
    list of numpy.ndarray
        For each class, row numbers.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    sorted_labels = labels[order]
    classes = int(labels.max(initial=-1)) + 1
    bounds = np.searchsorted(sorted_labels, np.arange(classes + 1))
    rows = [order[start : min(start + references, stop)] for start, stop in pairwise(bounds)]
    if replace == "never":
        return rows
    return [
        drawn
        if len(drawn) in {0, references}
        else drawn[generator.integers(len(drawn), size=references)]
        for drawn in rows
    ]


def make_prototypes(vectors: Tensor, references: Sequence[Int64Array]) -> Tensor:
    """Average the drawn references of each class.

    Parameters
    ----------
    vectors
        Shape (N, E), rows of unit length.
    references
        For each class, row numbers; at least one.

    Returns
    -------
    Tensor
        Shape (C, E), rows of unit length.
    """
    means = [vectors[torch.from_numpy(rows)].mean(dim=0) for rows in references]
    return functional.normalize(torch.stack(means), dim=1)


def classify(queries: Tensor, query_label: Int64Array, prototypes: Tensor) -> Int64Array:
    """Rank of the right class of each query, from 1, ties pessimistic.

    Parameters
    ----------
    queries
        Shape (Q, E).
    query_label
        Shape (Q,), classes.
    prototypes
        Shape (C, E).

    Returns
    -------
    numpy.ndarray
        Shape (Q,).
    """
    return rank_classes(queries @ prototypes.T, query_label)


def rank_classes(scores: Tensor, query_label: Int64Array) -> Int64Array:
    """Rank of the right class of each query, from 1, ties pessimistic.

    Parameters
    ----------
    scores
        Shape (Q, C), larger is better. A right class whose score is not a number comes last, a
        wrong one is never ahead with it.
    query_label
        Shape (Q,), classes, 0 to C-1.

    Returns
    -------
    numpy.ndarray
        Shape (Q,).
    """
    right = scores.gather(1, torch.from_numpy(query_label)[:, None])
    ranks = (scores >= right).sum(dim=1)  # the right class itself is the 1
    return torch.where(right[:, 0].isnan(), scores.shape[1], ranks).numpy()


def summarize_draws(draws: Sequence[Int64Array], is_known: BoolArray) -> PrototypeFigures:
    """Average the draws' figures.

    Parameters
    ----------
    draws
        Ranks of the right class, shape (Q,) each, one array a draw.
    is_known
        Shape (Q,), whether training saw the query's dish.

    Returns
    -------
    PrototypeFigures
        Averages over draws.
    """
    ranks = np.stack(draws)
    known = _share_within(ranks[:, is_known], 1)
    unknown = _share_within(ranks[:, ~is_known], 1)
    return PrototypeFigures(
        top1=_share_within(ranks, 1),
        top5=_share_within(ranks, 5),
        known_top1=known,
        known_top5=_share_within(ranks[:, is_known], 5),
        unknown_top1=unknown,
        unknown_top5=_share_within(ranks[:, ~is_known], 5),
        harmonic_mean=harmonic_mean(known, unknown),
        spread=float((ranks <= 1).mean(axis=1).std()),
    )


def bootstrap_draws(
    draws: Sequence[Int64Array], is_known: BoolArray, seed: int
) -> dict[str, float]:
    """Bootstrap 95 % intervals over queries of the shares named right at once.

    A query counts by the share of draws that named it right, so the interval is of the figures
    that `summarize_draws` gives.

    Parameters
    ----------
    draws
        Ranks of the right class, shape (Q,) each, one array a draw.
    is_known
        Shape (Q,), whether training saw the query's dish.
    seed
        Of the resampling.

    Returns
    -------
    dict
        ``top1_low``, ``top1_high``, and with ``known_`` and ``unknown_`` before them where there
        are such queries.
    """
    hits = (np.stack(draws) <= 1).mean(axis=0)
    scopes = {"": np.ones(len(hits), dtype=np.bool_), "known_": is_known, "unknown_": ~is_known}
    intervals: dict[str, float] = {}
    for scope, chosen in scopes.items():
        if chosen.any():
            low, high = bootstrap_interval(hits[chosen], lambda x: x.mean(axis=1), seed)
            intervals |= {f"{scope}top1_low": low, f"{scope}top1_high": high}
    return intervals


def harmonic_mean(first: float, second: float) -> float:
    """Harmonic mean of two shares; 0 if both are 0."""
    return 0.0 if first == second == 0 else 2 * first * second / (first + second)


def _share_within(ranks: Int64Array, k: int) -> float:
    return float((ranks <= k).mean()) if ranks.size else float("nan")


def compare_draws(
    ranks: Mapping[str, list[Int64Array]], is_known: BoolArray, classes: int, seed: int
) -> dict[str, float]:
    """Return the figures of several ways to make prototypes, and what chance would come to.

    Parameters
    ----------
    ranks
        By the end of the figures' names, a draw of references each: the ranks of the right class.
        Of the way without such an end, intervals are drawn too.
    is_known
        Shape (Q,): training saw the query's class.
    classes
        How many there are.
    seed
        Of the intervals.

    Returns
    -------
    dict
        ``queries``, ``dishes``, ``top1_chance`` and so on.
    """
    figures = {"queries": float(len(is_known)), "dishes": float(classes)}
    figures |= {f"{scope}top1_chance": 1 / classes for scope in ("", "known_", "unknown_")}
    figures["top5_chance"] = min(1.0, 5 / classes)
    figures |= bootstrap_draws(ranks[""], is_known, seed)
    for suffix, draws in ranks.items():
        summary = asdict(summarize_draws(draws, is_known))
        figures |= {f"{key}{suffix}": value for key, value in summary.items()}
    return figures
