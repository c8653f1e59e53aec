"""Exact search: the k most similar of all vectors, whatever it takes.

One pass in float32 finds everything that could belong to the answer (the k-th best less the
largest error that float32 can have made), and those few are scored again in float64, in one way
that no kernel, shape or thread changes. So vectors and a question give the same scores on every
machine; what is too close to tell apart stands in the order of its rows (see `ties`). It costs one
read of all vectors a question: 100 MB, or 200,000 vectors of 128, take about 10 ms on one core.
"""

import numpy as np

from mmpipeline.arrays import Float32Array, Float64Array, IndexArray
from mmpipeline.models.rounding import largest_error, tie_width
from mmpipeline.search.vectors.ties import floor_of, rank

_REFINE_ROWS = 16_384


def find_nearest(
    vectors: Float32Array,
    query: Float32Array,
    k: int,
    rows: IndexArray | None = None,
) -> tuple[IndexArray, Float64Array]:
    """Return the vectors most similar to a query.

    Parameters
    ----------
    vectors
        Shape (N, E), of unit length; may be mapped from a file.
    query
        Shape (E,), of unit length.
    k
        How many, 0 or more; all when there are not so many.
    rows
        Shape (M,), ascending: the only rows to look at. None means all.

    Returns
    -------
    rows : numpy.ndarray of intp
        Shape (min(k, N),): best first, ties in the order of their rows.
    scores : numpy.ndarray of float64
        Their cosines; those of a tie are that of its best.
    """
    return rank(*gather_nearest(vectors, query, k, rows), k, tie_width(len(query)))


def gather_nearest(
    vectors: Float32Array,
    query: Float32Array,
    k: int,
    rows: IndexArray | None = None,
) -> tuple[IndexArray, Float64Array]:
    """Return the k vectors most similar to a query, and all that may tie with one of them.

    Parameters
    ----------
    vectors, query, k, rows
        As for `find_nearest`.

    Returns
    -------
    rows : numpy.ndarray of intp
        Shape (M,), in no order.
    scores : numpy.ndarray of float64
        Their cosines.
    """
    candidates = np.arange(len(vectors)) if rows is None else rows
    if k < 1 or not len(candidates):
        return candidates[:0], np.zeros(0)
    scores = (vectors if rows is None else vectors[rows]) @ query
    if k < len(scores):
        # both scores may be off, and twice as far, since vectors are only about of length 1
        margin = tie_width(len(query)) + 4 * largest_error(len(query))
        candidates = candidates[scores >= floor_of(scores, k, margin)]
    return candidates, score_exactly(vectors, query, candidates)


def score_exactly(
    vectors: Float32Array,
    query: Float32Array,
    rows: IndexArray,
) -> Float64Array:
    """Return the float64 dot products of some rows with a query, the same on every machine.

    Products of float32 numbers are exact in float64, and each row's are added alone and in one
    order. A matrix product may add a row's differently depending on where it lies and on the CPU,
    and equal vectors would then differ in their last digit.

    Parameters
    ----------
    vectors
        Shape (N, E).
    query
        Shape (E,).
    rows
        Shape (M,).

    Returns
    -------
    numpy.ndarray
        Shape (M,).
    """
    scores = np.empty(len(rows))
    wide = query.astype(np.float64)
    for start in range(0, len(rows), _REFINE_ROWS):
        block = vectors[rows[start : start + _REFINE_ROWS]].astype(np.float64)
        scores[start : start + len(block)] = (block * wide).sum(axis=-1)
    return scores
