"""Sums for prototypes, added up a batch at a time: by dish and by named subset."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import Float32Array, Float64Array, IndexArray
from mmpipeline.search.vectors.prototypes import Sample


@dataclass(slots=True)
class _Sum:
    total: Float64Array
    squares: Float64Array
    items: int = 0
    kept: list[tuple[float, Float32Array]] = field(default_factory=list)


class SubsetSums:
    """Adds up unit vectors by subset.

    A known dish is the mean of its training recipes, so that held-out recipes stay honest
    questions. An unknown dish was never trained on and is enrolled with all its recipes; a named
    subset has all of its recipes.

    Parameters
    ----------
    dim
        E.
    references
        How many vectors of a subset are kept; drawn evenly by a seeded key.
    members
        By name of a subset, the ids of its recipes.
    seed
        Of the keys.
    """

    def __init__(
        self, dim: int, references: int, members: Mapping[str, pa.Array], seed: int
    ) -> None:
        self._dim, self._references, self._members = dim, references, members
        self._random = np.random.default_rng(seed)
        self._dishes: dict[str, _Sum] = {}
        self._named: dict[str, _Sum] = {}

    def add(self, table: pa.Table, vectors: Float32Array) -> None:
        """Add recipes.

        Parameters
        ----------
        table
            B rows of the catalogue, with recipe_id, dish, dish_set and split.
        vectors
            Shape (B, E), of unit length.
        """
        keys = self._random.random(len(vectors))
        trained = pc.and_(pc.equal(table["dish_set"], "known"), pc.equal(table["split"], "train"))
        counts_in = pc.or_kleene(trained, pc.equal(table["dish_set"], "unknown"))
        counts_in = pc.and_kleene(pc.fill_null(counts_in, False), pc.is_valid(table["dish"]))
        rows = np.flatnonzero(counts_in.to_numpy())
        dishes = np.array(table["dish"].take(rows).to_pylist(), dtype=object)
        for dish in sorted(set(dishes)):
            self._collect(self._dishes, dish, rows[dishes == dish], vectors, keys)
        for name, ids in self._members.items():
            belongs = pc.is_in(table["recipe_id"], value_set=ids).to_numpy()
            if belongs.any():
                self._collect(self._named, name, np.flatnonzero(belongs), vectors, keys)

    def samples(self) -> tuple[dict[str, Sample], dict[str, Sample]]:
        """Return the samples of all dishes and of all named subsets met so far, by name."""
        dishes, named = (
            {name: self._sample(sums[name]) for name in sorted(sums)}
            for sums in (self._dishes, self._named)
        )
        return dishes, named

    def _collect(
        self,
        sums: dict[str, _Sum],
        name: str,
        rows: IndexArray,
        vectors: Float32Array,
        keys: Float64Array,
    ) -> None:
        entry = sums.get(name)
        if entry is None:
            entry = sums[name] = _Sum(np.zeros(self._dim), np.zeros(self._dim))
        members = vectors[rows].astype(np.float64)
        entry.total += members.sum(axis=0)
        entry.squares += (members**2).sum(axis=0)
        entry.items += len(rows)
        entry.kept += [(float(keys[row]), vectors[row]) for row in rows]
        entry.kept.sort(key=lambda pair: pair[0])
        del entry.kept[self._references :]

    def _sample(self, entry: _Sum) -> Sample:
        kept = np.array([vector for _, vector in entry.kept], dtype=np.float32)
        return Sample(entry.total, entry.squares, entry.items, kept)
