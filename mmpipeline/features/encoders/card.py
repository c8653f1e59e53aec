"""The encoder card and the protocols of encoders.

An encoder is one file with a `CARD` and a function `build(config)`. The card is data: the command
`mmpipeline encoders` and the table in docs/encoders.md are made from it. Speeds on the cards are
what `python -m benchmarks.features` gave on one core of a shared x86-64 machine; read them as
orders of magnitude.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from mmpipeline.arrays import Float32Array


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderCard:
    """What is known of an encoder before it is built.

    Attributes
    ----------
    name
        As it stands in the config.
    version
        Rises when the same input would give other vectors.
    reads
        ``("image",)``, ``("text",)``, or both for a joint tower.
    dim
        Length of its vectors; None when the config or the model decides it.
    weights_sha256
        Digest of its weights file; None when it has none, or the user's own.
    licence
        Of code and weights.
    languages
        Codes; empty for an encoder of photos; ``("any",)`` when it knows no words.
    extra
        The optional dependency that brings it; None when it needs nothing further.
    per_cpu_s
        Photos, or titles, encoded in one CPU second; None when the model decides it.
    about
        One sentence.
    """

    name: str
    version: str
    reads: tuple[str, ...]
    dim: int | None
    weights_sha256: str | None
    licence: str
    languages: tuple[str, ...]
    extra: str | None
    per_cpu_s: int | None
    about: str


class PhotoEncoder(Protocol):
    """Encodes photos, each on its own: the same photo gives the same bits in any company."""

    name: str
    version: str
    dim: int
    min_edge_px: int  # a photo decoded no smaller than this has all that the encoder looks at

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""

    def encode(self, photo: Image.Image) -> Float32Array:
        """Encode one upright RGB photo as a vector of shape (dim,)."""


class WordEncoder(Protocol):
    """Encodes texts, each on its own: the same text gives the same bits in any company."""

    name: str
    version: str
    dim: int

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Encode texts as rows: shape (N, dim)."""
