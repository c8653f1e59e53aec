"""Text into a fixed vector: hashed character n-grams over Hangul taken apart into jamo.

N-grams of characters forgive particles and typing errors, and need no word list in either
language. Hangul syllables are decomposed first, so 찌게 and 찌개 differ in one letter of four
instead of one syllable of two. Measured on 42 misspelt dish names in four wordings against 65
dishes, 1024 buckets: the right dish comes first for 75 % with 2- to 4-grams of syllables, 89 % at
their best range (1 to 2), 93 % with 2- to 4-grams of jamo.

Hashing costs collisions (two n-grams in one bucket, with random signs so that they cancel on
average) and spares a vocabulary. The arithmetic is whole-array numpy, several times as fast as
scikit-learn's HashingVectorizer, which builds each n-gram as a Python string.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np

from mmpipeline.arrays import Float32Array, IndexArray, UInt32Array, UInt64Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.features.encoders.card import EncoderCard
from mmpipeline.text.normalize import fold_text

CARD = EncoderCard(
    name="hashed-ngrams",
    version="1",
    reads=("text",),
    dim=None,
    weights_sha256=None,
    licence="MIT",
    languages=("any",),
    extra=None,
    per_cpu_s=45_000,
    about="Hashed n-grams of jamo and letters; forgives particles and misspellings.",
)

MAX_CHARACTERS = 20_000
_ROWS_AT_ONCE = 64
_PROBE = "된장찌개(2인분), CRÈME brûlée &amp; ½컵　ﾃｽﾄ"
_SPACE = 32
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
_ONE = np.uint64(1)


class TextEncoder:
    """Encodes texts as signed, dampened, unit-length counts of hashed n-grams.

    Parameters
    ----------
    dim
        Number of hash buckets.
    ngram_min, ngram_max
        Lengths of the n-grams, in jamo or letters; a word's two edges count as a space each.
    """

    name = CARD.name
    version = CARD.version

    def __init__(self, dim: int, ngram_min: int, ngram_max: int) -> None:
        self.dim = dim
        self.ngram_min = ngram_min
        self.ngram_max = ngram_max

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would.

        A probe is encoded, so that a change of the text folding is noticed too. Only the signs of
        its buckets count: they come from whole numbers and are equal on every machine.
        """
        content = f"{self.name}/{self.version}/{self.dim}/{self.ngram_min}-{self.ngram_max}"
        signs = np.sign(self.encode([_PROBE])).astype(np.int8).tobytes()
        return hashlib.sha256(content.encode() + signs).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Encode texts.

        Parameters
        ----------
        texts
            Any strings; of each, the first `MAX_CHARACTERS` count.

        Returns
        -------
        numpy.ndarray
            Shape (N, dim), rows of length 1; a row of zeros where a text holds no letter or digit.
        """
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _ROWS_AT_ONCE):
            chunk = texts[start : start + _ROWS_AT_ONCE]
            vectors[start : start + len(chunk)] = self._encode_chunk(chunk)
        return vectors

    def _encode_chunk(self, texts: Sequence[str]) -> Float32Array:
        parts = [_prepare(text) for text in texts]
        letters = np.frombuffer("".join(parts).encode("utf-32-le"), dtype=np.uint32)
        rows = np.repeat(np.arange(len(texts)), [len(part) for part in parts])
        counts = np.zeros(len(texts) * self.dim)
        for starts, hashes in hash_ngrams(letters, self.ngram_min, self.ngram_max):
            buckets = ((hashes >> _ONE) % np.uint64(self.dim)).astype(np.intp)
            signs = 1.0 - 2.0 * (hashes & _ONE)
            flat = rows[starts] * self.dim + buckets
            counts += np.bincount(flat, weights=signs, minlength=len(counts))
        dampened = (np.sign(counts) * np.log1p(np.abs(counts))).reshape(len(texts), self.dim)
        lengths = np.sqrt(np.square(dampened).sum(axis=1, keepdims=True))
        unit: Float32Array = (dampened / np.maximum(lengths, 1e-12)).astype(np.float32)
        return unit


def build(config: FeatureConfig) -> TextEncoder:
    """Return the encoder that a config asks for."""
    return TextEncoder(config.text_dim, config.ngram_min, config.ngram_max)


def hash_ngrams(
    letters: UInt32Array, ngram_min: int, ngram_max: int
) -> Iterator[tuple[IndexArray, UInt64Array]]:
    """Hash all n-grams that lie within one word.

    Parameters
    ----------
    letters
        Shape (L,), code points; words are apart by spaces, and space begins and ends the whole.
    ngram_min, ngram_max
        Lengths, both included.

    Yields
    ------
    tuple of numpy.ndarray
        For each length: positions where its n-grams begin, and their 64-bit hashes.
    """
    is_space = letters == _SPACE
    hashes = np.zeros(len(letters), dtype=np.uint64)
    inside = np.ones(len(letters), dtype=bool)  # no space strictly inside the n-gram
    for size in range(1, min(ngram_max, len(letters)) + 1):
        count = len(letters) - size + 1
        hashes = hashes[:count] * _MULTIPLIER + letters[size - 1 :]
        if size >= 3:
            inside = inside[:count] & ~is_space[size - 2 : size - 2 + count]
        if size >= ngram_min:
            blank = is_space[:count] & is_space[size - 1 :] if size < 3 else ~inside[:count]
            starts = np.flatnonzero(~blank)
            yield starts, _mix(hashes[starts] + np.uint64(size))


def _mix(hashes: UInt64Array) -> UInt64Array:
    """Spread each hash over all 64 bits (the finaliser of MurmurHash3)."""
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MIX_1
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MIX_2
    return hashes ^ (hashes >> _SHIFT)


def _prepare(text: str) -> str:
    """Fold, take Hangul apart, and put a space at both ends."""
    return f" {unicodedata.normalize('NFD', fold_text(text[:MAX_CHARACTERS]))} "
