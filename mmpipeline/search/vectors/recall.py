"""Recall of a search against scoring every vector."""

from collections.abc import Callable

import numpy as np

from mmpipeline.arrays import Float32Array, Float64Array, IndexArray
from mmpipeline.models.rounding import tie_width

Find = Callable[[Float32Array, int], tuple[IndexArray, Float64Array]]
Take = Callable[[IndexArray], Float32Array]

_BLOCK_ROWS = 16_384


def measure_recall(
    find: Find,
    take: Take,
    rows: IndexArray,
    queries: Float32Array,
    k: int = 10,
) -> float:
    """Compare a search with float64 brute force.

    Parameters
    ----------
    find
        The search: takes a query (E,) and k, returns rows and scores, best first.
    take
        Returns the vectors of some rows, shape (M, E).
    rows
        Shape (N,), what may be found; their vectors are read in blocks.
    queries
        Shape (Q, E).
    k
        How many neighbours count; all when there are not so many.

    Returns
    -------
    float
        Share of the k best that were found, 0 to 1. Of items that tie (`ties`), any is right.
    """
    k = min(k, len(rows))
    wide, width = queries.astype(np.float64), tie_width(queries.shape[1])
    best = np.full((len(queries), k), -np.inf)
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = take(rows[start : start + _BLOCK_ROWS]).astype(np.float64)
        scores = np.concatenate([best, wide @ block.T], axis=1)
        best = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k:]
    found = 0
    for query, worst_accepted in zip(queries, best.min(axis=1), strict=True):
        answer = np.unique(find(query, k)[0])
        scores = take(answer).astype(np.float64) @ query.astype(np.float64)
        found += int((scores >= worst_accepted - width).sum())
    return found / (k * len(queries))
