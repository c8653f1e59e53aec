"""All segments of an index under one view, as one space of rows.

Row numbers run through the segments in order; dead rows (deleted, or replaced by a later one)
keep their numbers and are never found. Answers of segments are merged by their exact scores.
"""

from collections.abc import Sequence

import numpy as np

from mmpipeline.search.codes import CodeScan, Mask, Rows, Scores, Vector
from mmpipeline.search.exact import find_nearest
from mmpipeline.search.segment import View

FEW_ROWS_SHARE = 1 / 16
"""Below this share of the rows, gathering them costs less than scanning all codes."""


class VectorSpace:
    """Searches the rows of all segments under one view.

    Parameters
    ----------
    views
        Of each segment, in order.
    alive
        Shape (N,), which rows may be found; None means all.
    """

    def __init__(self, views: Sequence[View], alive: Mask | None) -> None:
        self._views = views
        self._alive = alive
        sizes = [len(view.scan) for view in views]
        self._bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)

    @property
    def rows(self) -> int:
        """N, dead rows included."""
        return int(self._bounds[-1])

    @property
    def scans(self) -> list[CodeScan]:
        """The exact search of each segment."""
        return [view.scan for view in self._views]

    def take(self, rows: Rows) -> Vector:
        """Return the vectors of some rows, shape (M, E)."""
        dim = self._views[0].scan.vectors.shape[1] if self._views else 0
        taken = np.empty((len(rows), dim), dtype=np.float32)
        for turn, view in enumerate(self._views):
            inside = (rows >= self._bounds[turn]) & (rows < self._bounds[turn + 1])
            if inside.any():
                taken[inside] = view.scan.vectors[rows[inside] - self._bounds[turn]]
        return taken

    def find(
        self, query: Vector, k: int, rows: Rows | None = None, *, exact: bool = False
    ) -> tuple[Rows, Scores]:
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
            Best first; among equal scores the lower row.
        scores : numpy.ndarray of float64
            Their cosines.
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
        answers = []
        for turn, view in enumerate(self._views):
            start, stop = self._bounds[turn], self._bounds[turn + 1]
            within = None if allowed is None else allowed[start:stop]
            found = None if rows is not None or exact else _find_by_lists(view, query, k, within)
            if found is None:
                found = view.scan.find(query, k, within)
            answers.append((found[0] + start, found[1]))
        return merge(answers, k)

    def find_many(self, queries: Vector, k: int) -> tuple[Rows, Scores]:
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
        for turn, view in enumerate(self._views):
            start, stop = self._bounds[turn], self._bounds[turn + 1]
            within = None if self._alive is None else self._alive[start:stop]
            found, scores = view.scan.find_many(queries, k, within)
            parts.append((found + start, scores))
        rows = np.concatenate([part[0] for part in parts], axis=1)
        scores = np.concatenate([part[1] for part in parts], axis=1)
        order = np.lexsort((rows, -scores), axis=1)[:, :k]
        return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _find_by_lists(
    view: View, query: Vector, k: int, allowed: Mask | None
) -> tuple[Rows, Scores] | None:
    """Ask a segment's lists; None where it has none, or they hold fewer than k within reach."""
    if view.lists is None or view.plan is None:
        return None
    found = view.lists.find(view.scan.vectors, query, k, view.plan.effort, allowed)
    available = len(view.scan) if allowed is None else int(np.count_nonzero(allowed))
    return found if len(found[0]) >= min(k, available) else None


def merge(answers: Sequence[tuple[Rows, Scores]], k: int) -> tuple[Rows, Scores]:
    """Merge answers, best first; among equal scores the lower row.

    Parameters
    ----------
    answers
        Rows and scores of each, in any order.
    k
        How many to keep.

    Returns
    -------
    tuple of numpy.ndarray
        Rows and scores.
    """
    rows = np.concatenate([answer[0] for answer in answers] or [np.zeros(0, np.intp)])
    scores = np.concatenate([answer[1] for answer in answers] or [np.zeros(0)])
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]
