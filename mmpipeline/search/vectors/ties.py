"""The order of an answer: best first, and what is too close to tell apart by row.

The same recipe embedded in another batch, or by another CPU's kernels, comes out with other last
bits. Two scores that differ by less than float32 can tell would therefore change places from
machine to machine. Here they are a tie, and stand in the order of their rows.

"Closer than the width" alone is no order: a may tie with b, and b with c, when a is clearly better
than c. So ties are told from the top: the best score begins a tie, everything within the width
below it belongs to it, the next score begins the next. An item thus never stands before one that
is better by more than the width, whether k, the segments or the batch are large or small, and the
score that is told is that of the best of the tie. The cost: where scores lie so densely that ties
would follow without a gap, where one ends may still depend on last bits.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from mmpipeline.arrays import BoolArray, Float64Array, IndexArray


def rank(
    rows: IndexArray, scores: Float64Array, k: int, width: float
) -> tuple[IndexArray, Float64Array]:
    """Put candidates in the order of an answer.

    Parameters
    ----------
    rows, scores
        Shape (M,), in any order: at least all whose score is within the width of the k-th best.
    k
        How many to keep.
    width
        Of a tie, as `models.rounding.tie_width`; for scores beyond 1 it grows in proportion to
        the tie's best.

    Returns
    -------
    rows : numpy.ndarray of intp
        Shape (min(k, M),): ties in the order of their rows.
    scores : numpy.ndarray of float64
        Of the same shape, descending: a tie has the score of its best.
    """
    order = np.lexsort((rows, -scores))
    rows, scores = rows[order], scores[order]
    if not _may_tie(scores[: k + 1], width):
        return rows[:k], scores[:k]
    close = np.flatnonzero(_are_close(scores[:k], scores[1 : k + 1], width))
    tied, falling, stop = scores.copy(), -scores, 0
    for start in close:
        if start >= stop:
            best = scores[start]
            stop = int(np.searchsorted(falling, width * max(1.0, abs(best)) - best, side="right"))
            tied[start:stop] = best
    order = np.lexsort((rows, -tied))[:k]
    return rows[order], tied[order]


def rank_many(
    rows: IndexArray, scores: Float64Array, k: int, width: float
) -> tuple[IndexArray, Float64Array]:
    """Put the candidates of many questions in order, each as `rank` does.

    Parameters
    ----------
    rows, scores
        Shape (Q, M); what is no candidate has the score minus infinity.
    k, width
        As for `rank`.

    Returns
    -------
    rows : numpy.ndarray of intp
        Shape (Q, min(k, M)).
    scores : numpy.ndarray of float64
        Of the same shape.
    """
    order = np.lexsort((rows, -scores), axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    best_rows = np.take_along_axis(rows, order[:, :k], axis=1)
    best = ordered[:, :k].copy()
    close = _are_close(best[:, : ordered.shape[1] - 1], ordered[:, 1 : k + 1], width)
    for position in np.flatnonzero(close.any(axis=1)):
        found = np.isfinite(scores[position])
        of_query = rank(rows[position, found], scores[position, found], k, width)
        best_rows[position, : len(of_query[0])], best[position, : len(of_query[0])] = of_query
    return best_rows, best


def floor_of(scores: npt.NDArray[np.floating[Any]], k: int, width: float) -> float:
    """Return the score that whatever belongs to the k best, or ties with one of them, reaches.

    Parameters
    ----------
    scores
        Shape (M,), in any order; M is at least k, and k at least 1.
    k, width
        As for `rank`.

    Returns
    -------
    float
        The k-th best score less the width.
    """
    return float(np.partition(scores, len(scores) - k)[len(scores) - k]) - width


def _may_tie(scores: Float64Array, width: float) -> bool:
    """Return whether any of some falling, finite scores may tie with the next; quick to deny.

    Most answers hold no tie: one comparison with the widest tie then spares all others.
    """
    if len(scores) < 2:
        return False
    widest = width * max(1.0, abs(scores[0]), abs(scores[-1]))
    return bool((scores[:-1] - scores[1:]).min() <= widest)


def _are_close(scores: Float64Array, lower: Float64Array, width: float) -> BoolArray:
    """Return whether scores differ by no more than the width from the next lower ones."""
    scores = scores[..., : lower.shape[-1]]
    with np.errstate(invalid="ignore"):  # infinity less infinity is no candidate
        close: BoolArray = scores - lower <= width * np.maximum(1.0, np.abs(scores))
    return close
