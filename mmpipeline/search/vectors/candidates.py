"""Candidates for the answers of many questions, of one segment or several, and their ranking.

Most questions have about k candidates a segment and stand in a matrix; the few that had to be
asked alone, because a run of ties is longer than that, keep lists of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmpipeline.arrays import Float64Array, IndexArray
from mmpipeline.search.vectors.ties import rank, rank_many


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may belong to the answers of many questions: unordered, with their float64 scores.

    Attributes
    ----------
    rows, scores
        Shape (Q, C): all rows that are among the k best or tie with one of them, and some more;
        what is none has the score minus infinity.
    alone
        By number of a question, the rows and scores of those that had to be asked alone, in place
        of those above.
    """

    rows: IndexArray
    scores: Float64Array
    alone: dict[int, tuple[IndexArray, Float64Array]]

    def of(self, position: int) -> tuple[IndexArray, Float64Array]:
        """Return the rows and scores of one question."""
        if position in self.alone:
            return self.alone[position]
        found = np.isfinite(self.scores[position])
        return self.rows[position, found], self.scores[position, found]


def rank_candidates(
    found: Sequence[Candidates], starts: Sequence[int], k: int, width: float
) -> tuple[IndexArray, Float64Array]:
    """Put the candidates of several segments in order, question by question.

    Parameters
    ----------
    found
        Of each segment, for the same questions.
    starts
        Of each segment, the number of its first row.
    k
        How many to keep; there are at least as many for each question.
    width
        Of a tie.

    Returns
    -------
    rows : numpy.ndarray of intp
        Shape (Q, k): best first, ties in the order of their rows.
    scores : numpy.ndarray of float64
        Of the same shape; those of a tie are that of its best.
    """
    parts = list(zip(found, starts, strict=True))
    rows = np.concatenate([part.rows + start for part, start in parts], axis=1)
    scores = np.concatenate([part.scores for part, _ in parts], axis=1)
    best_rows, best = rank_many(rows, scores, k, width)
    for position in sorted(set().union(*(part.alone for part in found))):
        each = [(start, *part.of(position)) for part, start in parts]
        rows_of_query = np.concatenate([start + of_part for start, of_part, _ in each])
        scores_of_query = np.concatenate([of_part for _, _, of_part in each])
        best_rows[position], best[position] = rank(rows_of_query, scores_of_query, k, width)
    return best_rows, best
