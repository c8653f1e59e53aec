"""Several encoders as one: their vectors one behind the other, each of the same weight.

What two encoders see of a text or a photo often differs (spelling and meaning, texture and
objects), and the model above learns which to use when.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mmpipeline.arrays import Float32Array
from mmpipeline.features.encoders.card import PhotoEncoder, WordEncoder


class _Joined:
    """What both kinds share."""

    def __init__(self, parts: Sequence[PhotoEncoder] | Sequence[WordEncoder]) -> None:
        self.name = "+".join(part.name for part in parts)
        self.version = "+".join(part.version for part in parts)
        self.dim = sum(part.dim for part in parts)
        self._weight = np.float32(1 / np.sqrt(len(parts)))
        self._fingerprints = [part.fingerprint() for part in parts]

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""
        return hashlib.sha256("+".join(self._fingerprints).encode()).hexdigest()[:16]


class JoinedPhotoEncoder(_Joined):
    """Encodes photos with several encoders.

    Parameters
    ----------
    parts
        In the order in which their vectors stand.
    """

    def __init__(self, parts: Sequence[PhotoEncoder]) -> None:
        super().__init__(parts)
        self.min_edge_px = max(part.min_edge_px for part in parts)
        self._parts = tuple(parts)

    def encode(self, photo: Image.Image) -> Float32Array:
        """Encode one upright RGB photo as a vector of shape (dim,), of length at most 1."""
        return np.concatenate([part.encode(photo) * self._weight for part in self._parts])


class JoinedWordEncoder(_Joined):
    """Encodes texts with several encoders.

    Parameters
    ----------
    parts
        In the order in which their vectors stand.
    """

    def __init__(self, parts: Sequence[WordEncoder]) -> None:
        super().__init__(parts)
        self._parts = tuple(parts)

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Encode texts as rows: shape (N, dim), of length at most 1."""
        return np.concatenate([part.encode(texts) * self._weight for part in self._parts], axis=1)
