"""All segments of an index as one space of rows.

Row numbers run through the segments in order; dead rows (deleted, or replaced by a later one)
keep their numbers and are never found. Segments give candidates with their exact scores, and the
order, ties included, is made of all of them at once: segments change no answer.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from mmpipeline.arrays import BoolArray, Float32Array, Float64Array, IndexArray
from mmpipeline.models.rounding import tie_width
from mmpipeline.search.vectors.candidates import rank_candidates
from mmpipeline.search.vectors.exact import find_nearest
from mmpipeline.search.vectors.segment import SegmentVectors
from mmpipeline.search.vectors.ties import rank

_Column = TypeVar("_Column", IndexArray, Float64Array)

FEW_ROWS_SHARE = 1 / 16
"""Below this share of the rows, gathering them costs less than scanning all codes."""


class VectorSpace:
    """Searches the rows of all segments.

    Parameters
    ----------
    segments
        The vectors of each, in order.
    alive
        Shape (N,), which rows may be found; None means all.
    """

    def __init__(self, segments: Sequence[SegmentVectors], alive: BoolArray | None) -> None:
        self._segments = segments
        self._alive = alive
        sizes = [len(segment.scan) for segment in segments]
        self._bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)

    @property
    def rows(self) -> int:
        """N, dead rows included."""
        return int(self._bounds[-1])

    def take(self, rows: IndexArray) -> Float32Array:
        """Return the vectors of some rows, shape (M, E)."""
        dim = self._segments[0].scan.vectors.shape[1] if self._segments else 0
        taken = np.empty((len(rows), dim), dtype=np.float32)
        for position, segment in enumerate(self._segments):
            inside = (rows >= self._bounds[position]) & (rows < self._bounds[position + 1])
            if inside.any():
                taken[inside] = segment.scan.vectors[rows[inside] - self._bounds[position]]
        return taken

    def find(
        self, query: Float32Array, k: int, rows: IndexArray | None = None, *, exact: bool = False
    ) -> tuple[IndexArray, Float64Array]:
        """Find the rows most like a query.

        Parameters
        ----------
        query
            Shape (E,), of unit length.
        k
            How many; all when there are not so many.
        rows
            Ascending: the only rows to look at; None means all. Then the answer is always exact.
        exact
            Leave the approximate lists aside.

        Returns
        -------
        rows : numpy.ndarray of intp
            Best first, ties in the order of their rows.
        scores : numpy.ndarray of float64
            Their cosines; those of a tie are that of its best.
        """
        if rows is not None and len(rows) <= FEW_ROWS_SHARE * self.rows:
            living = rows if self._alive is None else rows[self._alive[rows]]
            places, scores = find_nearest(self.take(living), query, k)
            return living[places], scores
        allowed = self._alive
        if rows is not None:
            chosen = np.zeros(self.rows, dtype=np.bool_)
            chosen[rows] = True
            allowed = chosen if allowed is None else chosen & allowed
        rows_found, scores_found = [], []
        for position, segment in enumerate(self._segments):
            start, stop = self._bounds[position], self._bounds[position + 1]
            within = None if allowed is None else allowed[start:stop]
            found = None if rows is not None or exact else _ask_lists(segment, query, k, within)
            if found is None:
                found = segment.scan.gather(query, k, within)
            rows_found.append(found[0] + start)
            scores_found.append(found[1])
        joined = _join(rows_found, np.intp), _join(scores_found, np.float64)
        return rank(*joined, k, tie_width(len(query)))

    def find_many(self, queries: Float32Array, k: int) -> tuple[IndexArray, Float64Array]:
        """Find the rows most like each of many queries, exactly.

        Parameters
        ----------
        queries
            Shape (Q, E), of unit length.
        k
            How many; all when there are not so many.

        Returns
        -------
        rows : numpy.ndarray of intp
            Shape (Q, min(k, living rows)).
        scores : numpy.ndarray of float64
            Of the same shape.
        """
        parts = []
        for position, segment in enumerate(self._segments):
            within = None
            if self._alive is not None:
                within = self._alive[self._bounds[position] : self._bounds[position + 1]]
            parts.append(segment.scan.gather_many(queries, k, within))
        living = self.rows if self._alive is None else int(np.count_nonzero(self._alive))
        starts = self._bounds[:-1].tolist()
        return rank_candidates(parts, starts, min(k, living), tie_width(queries.shape[1]))


def _join(parts: Sequence[_Column], kind: type[np.generic]) -> _Column:
    """Return the columns of all segments as one; that of a single segment as it is."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, kind), *parts])


def _ask_lists(
    segment: SegmentVectors, query: Float32Array, k: int, allowed: BoolArray | None
) -> tuple[IndexArray, Float64Array] | None:
    """Ask a segment's lists; None where it has none, or they hold fewer than k within reach."""
    if segment.lists is None or segment.plan is None:
        return None
    found = segment.lists.gather(segment.scan.vectors, query, k, segment.plan.search_width, allowed)
    if found is None:
        return None
    available = len(segment.scan) if allowed is None else int(np.count_nonzero(allowed))
    return found if len(found[0]) >= min(k, available) else None
