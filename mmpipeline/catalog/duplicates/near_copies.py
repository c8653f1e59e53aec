"""Pairs of recipes whose texts nearly agree, found without comparing all with all.

Two texts nearly agree when the Jaccard similarity of their sets of word 3-shingles reaches a
bound. Candidates come from one-permutation MinHash (every shingle is hashed once and falls into
one of 64 bins, whose least hashes are the signature) and banding: 16 bands of 4 bins, so that a
pair at 0.7 meets in some band with a chance of 0.99 and one at 0.1 with 0.002. Within a band a
recipe is compared with its neighbour and with the first of its bucket only, so the work is linear
even where a bucket is large. Candidates are then compared exactly, on shingles kept in a file.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from mmpipeline.arrays import Float64Array, Int64Array, UInt32Array, UInt64Array
from mmpipeline.catalog.duplicates.shingles import HASH_BASE, hash_shingles

BINS, BANDS = 64, 16
_FEWEST_SHINGLES = 8
_SLICE_BYTES = 4 << 20
_EMPTY = np.uint32(0xFFFFFFFF)
_PAIRS_AT_ONCE = 20_000
_SHINGLES, _BANDS, _SIZES = "shingles.bin", "bands.npy", "sizes.npy"


class NearCopyFinder:
    """Finds near copies among texts that are added in batches.

    Parameters
    ----------
    folder
        Gets what is worked out of the texts: shingles (4 bytes each), band keys (64 bytes a text)
        and sizes, so that later texts can be compared with these. Made when missing.
    min_similarity
        Least Jaccard similarity of two texts that are called near copies.
    earlier
        Folders of finders before, whose texts come before those added.
    """

    def __init__(self, folder: Path, min_similarity: float, earlier: Sequence[Path] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folders = [*earlier, folder]
        self._min_similarity = min_similarity
        self._file = (folder / _SHINGLES).open("wb")
        self._keys: list[UInt32Array] = [np.zeros((0, BANDS), np.uint32)]
        self._sizes: list[Int64Array] = [np.zeros(0, np.int64)]

    def add(self, texts: pa.StringArray) -> None:
        """Add texts.

        Parameters
        ----------
        texts
            Folded: words separated by one blank. A text without words never has a copy.
        """
        for part in _slices(texts):
            shingles, rows = hash_shingles(part)
            shingles, rows = _distinct(shingles, rows)
            self._keys.append(_band(_sign(shingles, rows, len(part))))
            self._sizes.append(np.bincount(rows, minlength=len(part)))
            self._file.write(shingles.tobytes())

    def close(self) -> None:
        """Close the file; `find` does so itself."""
        self._file.close()

    def find(self, order: Int64Array | None = None) -> Iterator[tuple[Int64Array, Float64Array]]:
        """Find the near copies among all texts, earlier ones included.

        Parameters
        ----------
        order
            (N,) places of the texts to compare, in an order that does not depend on how they were
            added, for it decides which members of a large bucket are compared; None takes all as
            they came. Places count through the earlier folders first.

        Yields
        ------
        pairs : numpy.ndarray
            (P, 2) places of texts, the one that comes first in the order first.
        similarities : numpy.ndarray
            (P,) Jaccard similarities, at least the bound.
        """
        self.close()
        folder = self._folders[-1]
        np.save(folder / _BANDS, np.concatenate(self._keys), allow_pickle=False)
        np.save(folder / _SIZES, np.concatenate(self._sizes), allow_pickle=False)
        self._keys, self._sizes = [], []
        keys, sizes = (
            np.concatenate([np.load(path / name, allow_pickle=False) for path in self._folders])
            for name in (_BANDS, _SIZES)
        )
        order = np.arange(len(sizes)) if order is None else order
        candidates = _find_candidates(keys, order[sizes[order] >= _FEWEST_SHINGLES])
        del keys
        shingles = _Shingles([path / _SHINGLES for path in self._folders])
        ends = np.concatenate([[0], np.cumsum(sizes)])
        for start in range(0, len(candidates), _PAIRS_AT_ONCE):
            pairs = candidates[start : start + _PAIRS_AT_ONCE]
            similarities = _compare(pairs, shingles, ends)
            is_near = similarities >= self._min_similarity
            yield pairs[is_near], similarities[is_near]


class _Shingles:
    """The shingles of several files as one array that stays on the disk."""

    def __init__(self, files: Sequence[Path]) -> None:
        sizes = [path.stat().st_size // 4 for path in files]
        self._files = [
            np.memmap(path, np.uint32, mode="r") if size else np.zeros(0, np.uint32)
            for path, size in zip(files, sizes, strict=True)
        ]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])

    def take(self, places: Int64Array) -> UInt32Array:
        taken = np.empty(len(places), np.uint32)
        for file, start, stop in zip(self._files, self._starts[:-1], self._starts[1:], strict=True):
            is_here = (places >= start) & (places < stop)
            taken[is_here] = file[places[is_here] - start]
        return taken


def _slices(texts: pa.StringArray) -> Iterator[pa.StringArray]:
    """Cut into slices of some megabytes, which bounds the memory that hashing takes."""
    step = max(1, int(_SLICE_BYTES * len(texts) / max(1, texts.nbytes)))
    for start in range(0, len(texts), step):
        yield texts.slice(start, step)


def _distinct(shingles: UInt32Array, rows: Int64Array) -> tuple[UInt32Array, Int64Array]:
    """Drop repetitions within a text; shingles come out in ascending order within it."""
    keys = np.unique(rows.astype(np.uint64) << np.uint64(32) | shingles)
    return keys.astype(np.uint32), (keys >> np.uint64(32)).astype(np.int64)


def _sign(shingles: UInt32Array, rows: Int64Array, texts: int) -> UInt32Array:
    """Return the signatures, (texts, BINS): the least hash in each bin.

    An empty bin borrows from the next one that is not, changed by the distance, so that bins that
    are empty in two texts agree only where these borrow alike.
    """
    bins = np.full(texts * BINS, _EMPTY)
    np.minimum.at(bins, rows * BINS + shingles % BINS, shingles // BINS)
    signatures: UInt32Array = bins.reshape(texts, BINS)
    is_empty = signatures == _EMPTY
    if not is_empty.any():
        return signatures
    doubled = np.concatenate([is_empty, is_empty], axis=1)
    places = np.where(doubled, 4 * BINS, np.arange(2 * BINS))
    following = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1][:, :BINS]
    distance = (following - np.arange(BINS)).astype(np.uint32)
    borrowed = np.take_along_axis(signatures, following % BINS, axis=1)
    return borrowed + distance * np.uint32(0x9E3779B1)


def _band(signatures: UInt32Array) -> UInt32Array:
    """Return the band keys of signatures, (texts, BANDS).

    Of 32 bits, two unrelated texts in a million share one by chance; the comparison finds out.
    """
    width = BINS // BANDS
    keys = np.zeros((len(signatures), BANDS), np.uint64)
    for column in range(width):
        keys = (keys ^ signatures[:, column::width]) * HASH_BASE
        keys ^= keys >> np.uint64(29)
    return (keys >> np.uint64(32)).astype(np.uint32)


def _find_candidates(bands: UInt32Array, rows: Int64Array) -> Int64Array:
    """Return pairs of the given texts that share a band, (P, 2)."""
    found = [np.zeros(0, np.int64)]
    for band in range(BANDS):
        keys = bands[rows, band]
        order = np.argsort(keys, kind="stable")
        keys, members = keys[order], rows[order]
        is_first = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
        first_of = np.maximum.accumulate(np.where(is_first, np.arange(len(keys)), 0))
        others = np.flatnonzero(~is_first)
        found.append(members[first_of[others]] << 32 | members[others])
        found.append(members[others - 1] << 32 | members[others])
    pairs = np.unique(np.concatenate(found))
    return np.stack([pairs >> 32, pairs & 0xFFFFFFFF], axis=1)


def _compare(pairs: Int64Array, shingles: _Shingles, ends: Int64Array) -> Float64Array:
    """Return the exact Jaccard similarities of pairs, (P,)."""
    keys = np.concatenate([_gather(pairs[:, side], shingles, ends) for side in (0, 1)])
    keys.sort(kind="stable")
    shared = np.bincount(
        (keys[1:][keys[1:] == keys[:-1]] >> np.uint64(32)).astype(np.int64), minlength=len(pairs)
    )
    sizes = np.diff(ends)
    together = sizes[pairs[:, 0]] + sizes[pairs[:, 1]] - shared
    return np.asarray(shared / np.maximum(together, 1), np.float64)


def _gather(texts: Int64Array, shingles: _Shingles, ends: Int64Array) -> UInt64Array:
    """Return the shingles of texts, each under the number of its pair."""
    sizes = ends[texts + 1] - ends[texts]
    number = np.repeat(np.arange(len(texts)), sizes)
    within = np.arange(len(number)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    values = shingles.take(ends[texts][number] + within)
    return np.asarray(number.astype(np.uint64) << np.uint64(32) | values, np.uint64)


def iterate_pairs(
    found: Iterable[tuple[Int64Array, Float64Array]], recipe_ids: pa.StringArray
) -> Iterator[tuple[str, str]]:
    """Yield found pairs by recipe id.

    Parameters
    ----------
    found
        What `NearCopyFinder.find` yields.
    recipe_ids
        In the order in which the texts were added.

    Yields
    ------
    tuple of str
        Two recipe ids.
    """
    for pairs, _ in found:
        first, second = (recipe_ids.take(pa.array(pairs[:, side])) for side in (0, 1))
        yield from zip(first.to_pylist(), second.to_pylist(), strict=True)
