"""The word 3-shingles of texts, as hashes and as sets.

Shingles are hashed without a loop: with prefix sums of a polynomial hash over the bytes of many
texts, the hash of any stretch of bytes is a difference. 32 bits of it are kept; of two unrelated
recipes a shingle in ten million agrees by chance.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mmpipeline.arrays import Int64Array, UInt32Array, UInt64Array

_SHINGLE_WORDS = 3
HASH_BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
_BASE_INVERSE = np.uint64(pow(int(HASH_BASE), -1, 1 << 64))
_BLANK = 32


def hash_shingles(texts: pa.StringArray) -> tuple[UInt32Array, Int64Array]:
    """Hash the word 3-shingles of texts.

    Parameters
    ----------
    texts
        (N,) folded texts, some megabytes at most; a text of one or two words is one shingle.

    Returns
    -------
    hashes : numpy.ndarray
        (S,) one a shingle, in order of texts, repetitions included.
    rows : numpy.ndarray
        (S,) the text that each is of.
    """
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    offsets = offsets.astype(np.int64)
    if len(texts) == 0 or offsets[-1] == offsets[0]:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    content = np.frombuffer(texts.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    starts, ends, rows = _find_words(content, offsets)
    # A shingle ends two words on, or with its text where that is shorter than three words.
    last_word = np.searchsorted(rows, rows, side="right") - 1
    is_first = np.concatenate([[True], rows[1:] != rows[:-1]])
    reach = np.arange(len(starts)) + _SHINGLE_WORDS - 1
    is_whole = reach <= last_word
    chosen = np.flatnonzero(is_whole | is_first)
    final = np.minimum(reach, last_word)[chosen]
    powers = np.full(len(content) + 1, HASH_BASE)
    powers[0] = 1
    np.multiply.accumulate(powers, out=powers)
    sums = np.zeros(len(content) + 1, np.uint64)
    np.cumsum((content.astype(np.uint64) + np.uint64(1)) * powers[:-1], out=sums[1:])
    inverses = np.full(len(content) + 1, _BASE_INVERSE)
    inverses[0] = 1
    np.multiply.accumulate(inverses, out=inverses)
    begin = starts[chosen]
    return _mix((sums[ends[final]] - sums[begin]) * inverses[begin]), rows[chosen]


def _find_words(
    content: npt.NDArray[np.uint8], offsets: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Return where words start and end, and the text each is in."""
    is_blank = content == _BLANK
    begins_text = np.zeros(len(content) + 1, bool)
    begins_text[offsets] = True
    after_blank = np.concatenate([[True], is_blank[:-1]]) | begins_text[:-1]
    before_blank = np.concatenate([is_blank[1:], [True]]) | begins_text[1:]
    starts = np.flatnonzero(after_blank & ~is_blank)
    ends = np.flatnonzero(before_blank & ~is_blank) + 1
    return starts, ends, np.searchsorted(offsets, starts, side="right") - 1


def _mix(values: UInt64Array) -> UInt32Array:
    """Spread every bit over all (the finaliser of SplitMix64); the upper half is kept."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((values ^ (values >> np.uint64(31))) >> np.uint64(32)).astype(np.uint32)


def jaccard(first: str, second: str) -> float:
    """Return the similarity of two folded texts by the definition.

    Parameters
    ----------
    first, second
        Words separated by blanks.

    Returns
    -------
    float
        Shared word 3-shingles over all; 0 when neither has a word.
    """
    sets = [_shingles(text.split()) for text in (first, second)]
    together = sets[0] | sets[1]
    return len(sets[0] & sets[1]) / len(together) if together else 0.0


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    last = max(1, len(words) - _SHINGLE_WORDS + 1)
    return {tuple(words[start : start + _SHINGLE_WORDS]) for start in range(last)} - {()}
