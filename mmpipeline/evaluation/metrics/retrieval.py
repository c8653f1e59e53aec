"""Ranks and what is made of them: recall_at_k, median rank, mean reciprocal rank.

Ties count against us: an irrelevant item as near as the nearest relevant one stands before it.
With the friendly rule a constant embedding would score 100 %. So would it by chance of rounding,
where products of equal vectors differ in their last bits: what float32 cannot tell apart
(`models.rounding`) is a tie. Similarities come block by block
from a function and the whole matrix is never held. Blocks are of queries where items lie ready as
vectors, and of items where each costs something to make: so it is made twice, not once a block.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mmpipeline.arrays import BoolArray, Float64Array, Int64Array
from mmpipeline.models.rounding import tie_width

BLOCK_VALUES = 1 << 24  # similarities held at once: 64 MB as float32
ITEM_BLOCK_ROWS = 4096  # items made at once

Similarity = Callable[[slice], Tensor]
"""From a slice of Q queries to their similarities with all N items: shape (q, N), float."""


ItemSimilarity = Callable[[slice], Tensor]
"""From a slice of N items to the similarities of all Q queries with them: shape (Q, n), float."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """Which items answer which queries, and which may not be candidates at all.

    Attributes
    ----------
    query_label, item_label
        Shapes (Q,) and (N,): an item is relevant when the labels are equal and not negative.
    query_group, item_group
        Shapes (Q,) and (N,): an item of the query's group is the query itself or a copy of it,
        and no candidate; negative groups exclude nothing.
    """

    query_label: Int64Array
    item_label: Int64Array
    query_group: Int64Array
    item_group: Int64Array

    def relevant(self, rows: slice) -> BoolArray:
        """Return which candidates are relevant, shape (q, N)."""
        label = self.query_label[rows, None]
        relevant: BoolArray = (label == self.item_label) & (label >= 0)
        return relevant & ~self.excluded(rows)

    def excluded(self, rows: slice) -> BoolArray:
        """Return which items are no candidates, shape (q, N)."""
        group = self.query_group[rows, None]
        excluded: BoolArray = (group == self.item_group) & (group >= 0)
        return excluded

    def blocks(self) -> list[slice]:
        """Return slices of queries small enough for one block of similarities each."""
        return _cut(len(self.query_label), len(self.item_label))

    def item_blocks(self) -> list[tuple[slice, "Relevance"]]:
        """Return slices of items small enough for one block, and what queries ask of each."""
        return [
            (
                block,
                replace(self, item_label=self.item_label[block], item_group=self.item_group[block]),
            )
            for block in _cut(len(self.item_label), len(self.query_label), ITEM_BLOCK_ROWS)
        ]


def rank_vectors(queries: Tensor, items: Tensor, relevance: Relevance) -> Int64Array:
    """Rank by the cosines of unit vectors, as `rank_queries` does.

    Parameters
    ----------
    queries, items
        Shapes (Q, E) and (N, E).
    relevance
        Of Q queries and N items.

    Returns
    -------
    numpy.ndarray
        Shape (Q,), from 1; 0 for a query that has no relevant candidate.
    """
    width = tie_width(queries.shape[1])
    return rank_queries(lambda rows: queries[rows] @ items.T, relevance, width)


def rank_queries(similarity: Similarity, relevance: Relevance, width: float = 0.0) -> Int64Array:
    """Rank of the nearest relevant item of each query, ties pessimistic.

    ``rank = 1 + number of irrelevant candidates at least as similar as the most similar relevant
    one``. A similarity that is not a number ranks last.

    Parameters
    ----------
    similarity
        Larger is nearer.
    relevance
        Of Q queries and N items.
    width
        How much less similar still counts as a tie.

    Returns
    -------
    numpy.ndarray
        Shape (Q,), from 1; 0 for a query that has no relevant candidate.
    """
    ranks = np.zeros(len(relevance.query_label), dtype=np.int64)
    for rows in relevance.blocks():
        scores = similarity(rows).nan_to_num(nan=float("-inf"), neginf=float("-inf"))
        relevant = torch.from_numpy(relevance.relevant(rows))
        excluded = torch.from_numpy(relevance.excluded(rows))
        best = scores.masked_fill(~relevant, float("-inf")).amax(dim=1, keepdim=True)
        ahead = (scores >= best - width) & ~relevant & ~excluded
        found = torch.where(relevant.any(dim=1), 1 + ahead.sum(dim=1), 0)
        ranks[rows] = found.numpy()
    return ranks


def rank_by_items(similarity: ItemSimilarity, relevance: Relevance) -> Int64Array:
    """Rank as `rank_queries` does, walking over the items twice.

    The first walk finds how similar each query's nearest relevant item is, the second counts what
    stands before it; costs grow with the items alone, and memory not at all.

    Parameters
    ----------
    similarity
        Larger is nearer; asked for every slice twice, and must answer alike.
    relevance
        Of Q queries and N items.

    Returns
    -------
    numpy.ndarray
        Shape (Q,), from 1; 0 for a query that has no relevant candidate.
    """
    everyone, least = slice(0, len(relevance.query_label)), float("-inf")
    best = torch.full((len(relevance.query_label), 1), least)
    ahead = torch.zeros(len(best), dtype=torch.int64)
    found = torch.zeros(len(best), dtype=torch.bool)
    for block, asked in relevance.item_blocks():
        scores = similarity(block).nan_to_num(nan=least, neginf=least)
        relevant = torch.from_numpy(asked.relevant(everyone))
        found |= relevant.any(dim=1)
        nearest = scores.masked_fill(~relevant, least).amax(dim=1, keepdim=True)
        best = torch.maximum(best, nearest)
    for block, asked in relevance.item_blocks():
        scores = similarity(block).nan_to_num(nan=least, neginf=least)
        others = torch.from_numpy(~asked.relevant(everyone) & ~asked.excluded(everyone))
        ahead += ((scores >= best) & others).sum(dim=1)
    ranks: Int64Array = torch.where(found, 1 + ahead, 0).numpy()
    return ranks


def count_candidates(relevance: Relevance) -> tuple[Int64Array, Int64Array]:
    """Count each query's candidates and the relevant ones among them.

    Parameters
    ----------
    relevance
        Of Q queries and N items.

    Returns
    -------
    tuple of numpy.ndarray
        Candidates and relevant candidates, shape (Q,) each.
    """
    candidates = np.zeros(len(relevance.query_label), dtype=np.int64)
    relevant = np.zeros_like(candidates)
    for rows in relevance.blocks():
        candidates[rows] = (~relevance.excluded(rows)).sum(axis=1)
        relevant[rows] = relevance.relevant(rows).sum(axis=1)
    return candidates, relevant


def recall_at_k(ranks: Int64Array, k: int) -> float:
    """Share of queries whose nearest relevant item is among the first k.

    Parameters
    ----------
    ranks
        Shape (Q,), from 1; must not be empty.
    k
        From 1.

    Returns
    -------
    float
        0 to 1.
    """
    return float((ranks <= k).mean())


def median_rank(ranks: Int64Array) -> float:
    """Median of the ranks; the mean of the middle two when their number is even."""
    return float(np.median(ranks))


def mean_reciprocal_rank(ranks: Int64Array) -> float:
    """Mean of 1/rank, 0 to 1."""
    return float((1.0 / ranks).mean())


def bootstrap_interval(
    values: Float64Array | Int64Array | BoolArray,
    statistic: Callable[[Float64Array], Float64Array],
    seed: int,
    draws: int = 1000,
) -> tuple[float, float]:
    """95 % interval of a statistic by resampling its values with replacement.

    Parameters
    ----------
    values
        Shape (Q,), one value a query; must not be empty.
    statistic
        From shape (draws, Q) to shape (draws,), such as ``lambda rows: rows.mean(axis=1)``.
    seed
        Of the resampling.
    draws
        Number of resamples.

    Returns
    -------
    tuple of float
        2.5th and 97.5th percentile.
    """
    generator = np.random.default_rng(seed)
    step = max(1, BLOCK_VALUES // (8 * len(values)))
    results = [
        statistic(
            np.asarray(values, dtype=np.float64)[
                generator.integers(0, len(values), (min(step, draws - start), len(values)))
            ]
        )
        for start in range(0, draws, step)
    ]
    low, high = np.percentile(np.concatenate(results), [2.5, 97.5])
    return float(low), float(high)


def _cut(total: int, across: int, most: int = BLOCK_VALUES) -> list[slice]:
    """Cut rows, each of which is compared with `across` others, into blocks of `most` or fewer."""
    step = max(1, min(most, BLOCK_VALUES // max(1, across)))
    return [slice(start, min(start + step, total)) for start in range(0, total, step)]


def find_worst(
    queries: Tensor, items: Tensor, relevance: Relevance, most: int
) -> list[tuple[int, int, int, int]]:
    """Return the queries whose first right item came latest; none that went right.

    Parameters
    ----------
    queries, items
        Shapes (Q, E) and (N, E), their vectors.
    relevance
        What is right.
    most
        How many, at most.

    Returns
    -------
    list of tuple of int
        Query, the item that came first, the first right item, and its rank; worst first, equal
        ranks in the order of the queries.
    """
    ranks = rank_vectors(queries, items, relevance)
    worst = np.argsort(-ranks, kind="stable")[:most]
    found = []
    for query in worst[ranks[worst] > 1]:
        row = slice(query, query + 1)
        scores = (queries[row] @ items.T)[0].numpy()
        scores[relevance.excluded(row)[0]] = -np.inf
        right = np.where(relevance.relevant(row)[0], scores, -np.inf).argmax()
        found.append((int(query), int(scores.argmax()), int(right), int(ranks[query])))
    return found
