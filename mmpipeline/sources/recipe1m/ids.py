"""The set of ids seen before, in 8 bytes each.

Ids are hashed to 64 bits and kept in sorted runs that are merged when they have grown alike, so
adding is linear up to a logarithm. Two different ids of a million share a hash with a chance of
one in forty million; the second would then be reported as a duplicate.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from mmpipeline.arrays import BoolArray, UInt64Array


def hash_id(recipe_id: str) -> int:
    """Return 64 bits of an id's BLAKE2 digest."""
    digest = hashlib.blake2b(recipe_id.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest())


def hash_ids(recipe_ids: Iterable[str]) -> UInt64Array:
    """Return the hashes of ids, (N,)."""
    return np.fromiter(map(hash_id, recipe_ids), np.uint64)


class SeenIds:
    """A set of ids that grows by batches."""

    def __init__(self) -> None:
        self._runs: list[UInt64Array] = []

    def add(self, recipe_ids: Sequence[str]) -> BoolArray:
        """Add ids and tell which were new.

        Parameters
        ----------
        recipe_ids
            In their order; of equal ones in it the first is new.

        Returns
        -------
        numpy.ndarray
            (N,) bool: True where the id had not been seen before.
        """
        hashes = hash_ids(recipe_ids)
        is_new = np.zeros(len(hashes), bool)
        values, firsts = np.unique(hashes, return_index=True)
        is_new[firsts] = True
        for run in self._runs:
            is_new &= ~_contains(run, hashes)
        self._runs.append(np.intersect1d(values, hashes[is_new], assume_unique=True))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.union1d(self._runs[-1], last)
        return is_new


def _contains(run: UInt64Array, hashes: UInt64Array) -> BoolArray:
    if not len(run):
        return np.zeros(len(hashes), bool)
    places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
    return np.asarray(run[places] == hashes, bool)
