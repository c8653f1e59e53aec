"""The baseline to beat where references are many: a diagonal Gaussian a class, on raw values.

Its shrinkage matters much at few references and is chosen for each K as a method's settings may
be: on samples of the known classes' pool, never on queries. `best_shrinkage` takes any queries
instead, and so also says how well the baseline could do had it guessed the best value.
"""

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from mmpipeline.arrays import Int64Array
from mmpipeline.evaluation.metrics.prototypes import rank_classes
from mmpipeline.talk.data.subsets import Subset
from mmpipeline.talk.measure.rules import (
    MIN_GAUSSIAN_REFERENCES,
    GaussianRule,
)
from mmpipeline.talk.measure.suite import SyntheticSuite, concatenate

SHRINKAGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
CHOICE_QUERIES = 50
CHOICE_DRAWS = 3


class RawGaussian:
    """Per-class diagonal Gaussian on raw values, shrunk as suits K.

    Parameters
    ----------
    suite
        The data.
    seed
        Of the draws that the shrinkage is chosen on.
    """

    name = "raw"

    def __init__(self, suite: SyntheticSuite, seed: int) -> None:
        self._bench = suite
        self._seed = seed
        self._chosen: dict[tuple[int, Subset], float] = {}

    def scores(
        self, rows: Int64Array, query: Subset, reference: Subset
    ) -> Iterator[tuple[str, Tensor]]:
        """Score the queries; see `mmpipeline.talk.measure.suite.Method`."""
        count = rows.shape[1]
        if query != reference or count < MIN_GAUSSIAN_REFERENCES:
            return
        rule = GaussianRule("diagonal", self.shrinkage(count, query))
        queries = concatenate(self._bench.test, query)
        yield rule.name, rule(queries, concatenate(self._bench.gather(rows), query))

    def shrinkage(self, references: int, subset: Subset) -> float:
        """Choose the shrinkage for K references on the known classes' pool.

        Parameters
        ----------
        references
            K.
        subset
            What queries and references show.

        Returns
        -------
        float
            Of `SHRINKAGES`.
        """
        key = (references, subset)
        if key not in self._chosen:
            self._chosen[key] = self._choose(references, subset)
        return self._chosen[key]

    def _choose(self, references: int, subset: Subset) -> float:
        pool = concatenate(self._bench.pool, subset)[: self._bench.data.config.known_classes]
        queries = min(CHOICE_QUERIES, pool.shape[1] // 2)
        label = np.repeat(np.arange(len(pool)), queries)
        drawn = min(references, pool.shape[1] - queries)
        accuracy = np.zeros(len(SHRINKAGES))
        for draw in range(CHOICE_DRAWS):
            generator = np.random.default_rng([self._seed, references, draw])
            order = generator.random(pool.shape[:2]).argsort(axis=1)
            shuffled = pool[np.arange(len(pool))[:, None], order]
            asked = shuffled[:, drawn : drawn + queries].flatten(0, 1)
            accuracy += accuracies(asked, label, shuffled[:, :drawn])
        return SHRINKAGES[int(accuracy.argmax())]


def accuracies(queries: Tensor, label: Int64Array, references: Tensor) -> np.ndarray:
    """Top-1 of each shrinkage.

    Parameters
    ----------
    queries
        Shape (Q, E).
    label
        Shape (Q,), classes.
    references
        Shape (C, K, E).

    Returns
    -------
    numpy.ndarray
        Shape (len(SHRINKAGES),), shares.
    """
    return np.array([
        (rank_classes(GaussianRule("diagonal", a)(queries, references), label) <= 1).mean()
        for a in SHRINKAGES
    ])


class BestRawGaussian:
    """The same Gaussian at the shrinkage that is best on the queries themselves.

    No method: it looks at the answers. Printed as the most that the baseline could reach.

    Parameters
    ----------
    suite
        The data.
    """

    name = "raw, shrinkage chosen on the queries"

    def __init__(self, suite: SyntheticSuite) -> None:
        self._bench = suite

    def scores(
        self, rows: Int64Array, query: Subset, reference: Subset
    ) -> Iterator[tuple[str, Tensor]]:
        """Score the queries; see `mmpipeline.talk.measure.suite.Method`."""
        if query != reference or rows.shape[1] < MIN_GAUSSIAN_REFERENCES:
            return
        queries = concatenate(self._bench.test, query)
        references = concatenate(self._bench.gather(rows), query)
        best = int(accuracies(queries, self._bench.query_label, references).argmax())
        rule = GaussianRule("diagonal", SHRINKAGES[best])
        yield rule.name, rule(queries, references)
