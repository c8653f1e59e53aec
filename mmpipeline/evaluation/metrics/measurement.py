"""One measurement: the learned ranks beside every baseline, over the same queries.

A learned number is never stored alone. Its figures carry their names: the plain name is the
learned model, `_raw` the raw features, `_tfidf` the words alone, `_single` a closed-form model of
the one modality, `_chance` a random order, `_low` and `_high` the 95 % bootstrap interval of the
learned one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.evaluation.metrics.baselines import chance_figures
from mmpipeline.evaluation.metrics.retrieval import (
    Relevance,
    Similarity,
    bootstrap_interval,
    count_candidates,
    mean_reciprocal_rank,
    median_rank,
    rank_queries,
    recall_at_k,
)

KS = (1, 5, 10)
Ranking = Callable[[Relevance], Int64Array]
"""From Q queries and N items to ranks, shape (Q,), as `rank_queries` returns them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ranks of one kind of query, learned and by the baselines, with what chance needs.

    Attributes
    ----------
    learned
        Shape (Q,), ranks from 1.
    baselines
        By name (``raw``, ``tfidf``, ``single``), shape (Q,) each; those that have an answer.
    candidates, relevant
        Shape (Q,): how many candidates each query had, and how many of them were right.
    """

    learned: Int64Array
    baselines: Mapping[str, Int64Array]
    candidates: Int64Array
    relevant: Int64Array

    def only(self, chosen: BoolArray) -> "Comparison":
        """Return the measurement over some of the queries; `chosen` has shape (Q,)."""
        return Comparison(
            self.learned[chosen],
            {name: ranks[chosen] for name, ranks in self.baselines.items()},
            self.candidates[chosen],
            self.relevant[chosen],
        )

    def figures(self, seed: int) -> dict[str, float]:
        """Summarise the ranks.

        Parameters
        ----------
        seed
            Of the bootstrap.

        Returns
        -------
        dict
            ``queries``; then ``recall_at_1``, ``recall_at_5``, ``recall_at_10``, ``median_rank``
            and ``mrr``, each also with ``_chance``, ``_low``, ``_high`` and the baselines'
            names. Only ``queries`` when there are none.
        """
        figures = {"queries": float(len(self.learned))}
        if not len(self.learned):
            return figures
        figures |= rank_figures(self.learned)
        for name, ranks in self.baselines.items():
            figures |= {f"{key}_{name}": value for key, value in rank_figures(ranks).items()}
        chance = chance_figures(self.candidates, self.relevant, KS)
        figures |= {f"{key}_chance": value for key, value in chance.items()}
        for key, (low, high) in rank_intervals(self.learned, seed).items():
            figures |= {f"{key}_low": low, f"{key}_high": high}
        return figures


def compare(
    learned: Similarity,
    baselines: Mapping[str, Ranking],
    relevance: Relevance,
    width: float = 0.0,
) -> tuple[Comparison, BoolArray]:
    """Rank the same queries by learned similarity and by every baseline.

    Parameters
    ----------
    learned
        Similarities of Q queries with N items.
    baselines
        By name, how they rank the queries.
    relevance
        Which items answer which queries.
    width
        How much less similar, by what was learned, still counts as a tie.

    Returns
    -------
    comparison : Comparison
        Over the queries that have a relevant candidate.
    answerable : numpy.ndarray
        Shape (Q,), bool: which queries those are.
    """
    candidates, relevant = count_candidates(relevance)
    answerable = relevant > 0
    comparison = Comparison(
        learned=rank_queries(learned, relevance, width),
        baselines={name: rank(relevance) for name, rank in baselines.items()},
        candidates=candidates,
        relevant=relevant,
    )
    return comparison.only(answerable), answerable


def rank_figures(ranks: Int64Array) -> dict[str, float]:
    """Summarise ranks (shape (Q,), not empty) as recall_at_k, median rank and MRR."""
    figures = {f"recall_at_{k}": recall_at_k(ranks, k) for k in KS}
    return figures | {"median_rank": median_rank(ranks), "mrr": mean_reciprocal_rank(ranks)}


def rank_intervals(ranks: Int64Array, seed: int) -> dict[str, tuple[float, float]]:
    """Bootstrap 95 % intervals of `rank_figures`.

    Parameters
    ----------
    ranks
        Shape (Q,), not empty.
    seed
        Of the resampling.

    Returns
    -------
    dict
        Lower and upper end by figure.
    """
    intervals = {f"recall_at_{k}": bootstrap_interval(ranks <= k, _row_means, seed) for k in KS}
    intervals["median_rank"] = bootstrap_interval(ranks, lambda x: np.median(x, axis=1), seed)
    intervals["mrr"] = bootstrap_interval(1.0 / ranks, _row_means, seed)
    return intervals


def _row_means(values: np.ndarray) -> np.ndarray:
    means: np.ndarray = values.mean(axis=1)
    return means
