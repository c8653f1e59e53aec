"""The synthetic data as an evaluation suite: standardised, with methods that score queries on it.

Inputs are standardised by the known classes' pool alone. Methods see references as row numbers of
the pool, so that all of them, learned or not, are judged on the same draws; an embedding method
embeds pool and queries once a subset of modalities and keeps the vectors (100,000 items of 128
values: 51 MB a subset).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.talk.data.generator import SyntheticData
from mmpipeline.talk.data.subsets import Subset
from mmpipeline.talk.measure.rules import PrototypeRule, rule_used

Inputs = Sequence[Tensor]
"""One entry a modality, shape (N, D): standardised values."""
Embed = Callable[[Inputs, Subset], Tensor]
"""From items and the modalities they show to their vectors, shape (N, E)."""


class SyntheticSuite:
    """Standardised pool and queries of a synthetic experiment.

    Parameters
    ----------
    data
        Classes and samples.

    Attributes
    ----------
    data
        As given.
    pool
        One entry a modality, shape (C, P, D), float32, standardised.
    test
        One entry a modality, shape (Q, D), float32, standardised; queries in the order of classes.
    """

    def __init__(self, data: SyntheticData) -> None:
        self.data = data
        known = data.config.known_classes
        self.pool: list[Tensor] = []
        self.test: list[Tensor] = []
        for pool, test in zip(data.pool, data.test, strict=True):
            mean = pool[:known].mean(axis=(0, 1), dtype=np.float64)
            deviation = pool[:known].std(axis=(0, 1), dtype=np.float64)
            self.pool.append(torch.from_numpy(((pool - mean) / deviation).astype(np.float32)))
            queries = ((test - mean) / deviation).astype(np.float32)
            self.test.append(torch.from_numpy(queries.reshape(-1, queries.shape[-1])))

    @cached_property
    def query_label(self) -> Int64Array:
        """Shape (Q,): class of each query."""
        config = self.data.config
        return np.repeat(np.arange(config.classes), config.test_per_class)

    @cached_property
    def is_known(self) -> BoolArray:
        """Shape (Q,): training may have seen the query's class."""
        known: BoolArray = self.query_label < self.data.config.known_classes
        return known

    @property
    def full_subset(self) -> Subset:
        """All modalities."""
        return tuple(range(len(self.pool)))

    def gather(self, rows: Int64Array) -> list[Tensor]:
        """Read pool samples.

        Parameters
        ----------
        rows
            Shape (C, K): for each class, numbers of its pool samples.

        Returns
        -------
        list of Tensor
            One entry a modality, shape (C, K, D).
        """
        own = np.arange(len(rows))[:, None]
        return [pool[own, rows] for pool in self.pool]

    def draw(self, references: int, seed: int) -> tuple[Int64Array, bool]:
        """Draw K pool samples of each class: with replacement only where K exceeds the pool.

        Parameters
        ----------
        references
            K.
        seed
            Of the draw; K is mixed in.

        Returns
        -------
        rows : numpy.ndarray
            Shape (C, K): numbers within the class's pool.
        replaced : bool
            Whether samples may come twice.
        """
        config = self.data.config
        generator = np.random.default_rng([seed, references])
        shape = (config.classes, references)
        if references > config.pool_per_class:
            return generator.integers(config.pool_per_class, size=shape), True
        ranks = generator.random((config.classes, config.pool_per_class))
        return ranks.argsort(axis=1)[:, :references], False


class Method(Protocol):
    """Something that names the class of queries from references: learned or not."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def scores(
        self, rows: Int64Array, query: Subset, reference: Subset
    ) -> Iterator[tuple[str, Tensor]]:
        """Score all queries of the suite by each rule of the method.

        Parameters
        ----------
        rows
            Shape (C, K): numbers of the references in each class's pool.
        query, reference
            What queries and references show.

        Yields
        ------
        tuple
            Name of the rule and scores, shape (Q, C). Nothing where the method has no answer.
        """


class EmbeddingMethod:
    """A method that embeds items one by one and compares vectors by prototype rules.

    Parameters
    ----------
    name
        What tables call it.
    suite
        The data.
    embed
        The embedding.
    rules
        How a class is made of its references.
    across
        Whether vectors of different subsets may be compared (raw values may not).
    """

    def __init__(
        self,
        name: str,
        suite: SyntheticSuite,
        embed: Embed,
        rules: Sequence[PrototypeRule],
        *,
        across: bool = True,
    ) -> None:
        self.name = name
        self._bench = suite
        self._embed = embed
        self._rules = tuple(rules)
        self._across = across
        self._queries: dict[Subset, Tensor] = {}
        self._pool: dict[Subset, Tensor] = {}

    def scores(
        self, rows: Int64Array, query: Subset, reference: Subset
    ) -> Iterator[tuple[str, Tensor]]:
        """Score the queries; see `Method`."""
        if query != reference and not self._across:
            return
        pool, queries = self.pool_vectors(reference), self.query_vectors(query)
        references = pool[np.arange(len(rows))[:, None], rows]
        for rule in self._rules:
            yield rule_used(rule, rows.shape[1]), rule(queries, references)

    def query_vectors(self, subset: Subset) -> Tensor:
        """Return the queries' vectors, shape (Q, E); made once."""
        if subset not in self._queries:
            self._queries[subset] = self._embed(self._bench.test, subset)
        return self._queries[subset]

    def pool_vectors(self, subset: Subset) -> Tensor:
        """Return the pool's vectors, shape (C, P, E); made once."""
        if subset not in self._pool:
            classes, size = self._bench.pool[0].shape[:2]
            flat = [pool.reshape(classes * size, -1) for pool in self._bench.pool]
            self._pool[subset] = self._embed(flat, subset).view(classes, size, -1)
        return self._pool[subset]


def concatenate(inputs: Inputs, subset: Subset) -> Tensor:
    """Embed nothing: the standardised values of the shown modalities side by side.

    Parameters
    ----------
    inputs
        One entry a modality, shape (..., D).
    subset
        The modalities to take.

    Returns
    -------
    Tensor
        Shape (..., sum of D).
    """
    return torch.cat([inputs[number] for number in subset], dim=-1)
