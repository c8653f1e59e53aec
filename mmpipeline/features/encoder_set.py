"""The encoders of one experiment, one a modality, and their description on disk.

`encoders.json` travels with every feature set and every index. It holds the config the encoders
are built from and a fingerprint of each, so a query can never be encoded by something else than
what encoded the index: a differing fingerprint is refused.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import ValidationError

from mmpipeline.arrays import Float32Array
from mmpipeline.config.base import describe_problems
from mmpipeline.config.features import FeatureConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.features.content import has_words
from mmpipeline.features.encoders.card import PhotoEncoder, WordEncoder
from mmpipeline.features.encoders.registry import build_image_encoder, build_text_encoder
from mmpipeline.schemas import MODALITIES, Modality
from mmpipeline.storage import write_json_atomic

ENCODERS_NAME = "encoders.json"


@dataclass(frozen=True, slots=True)
class EncoderSet:
    """The encoders built from one config section.

    Attributes
    ----------
    config
        What they were built from.
    image
        Encodes photos.
    text
        Encodes title, ingredients and instructions, each on its own.
    """

    config: FeatureConfig
    image: PhotoEncoder
    text: WordEncoder

    @classmethod
    def build(cls, config: FeatureConfig) -> Self:
        """Build the encoders that a config section asks for.

        Raises
        ------
        ConfigError
            If one needs a package or a model that is not there.
        """
        return cls(config, build_image_encoder(config), build_text_encoder(config))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Rebuild the encoders that a feature set was made with.

        Parameters
        ----------
        path
            An `encoders.json`.

        Returns
        -------
        EncoderSet
            Encoders that give the same vectors as then.

        Raises
        ------
        ArtifactError
            If the file cannot be read, or this version's encoders give other vectors.
        """
        try:
            stored = json.loads(path.read_bytes())
            encoders = cls.build(FeatureConfig.model_validate(stored["config"]))
            fingerprints = {key: stored["modalities"][key]["fingerprint"] for key in MODALITIES}
        except OSError as error:
            raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise ArtifactError(f"{path}: {describe_problems(error, FeatureConfig)}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{path} is no description of encoders: {error!r}") from error
        for modality in MODALITIES:
            encoder = encoders.encoder(modality)
            if fingerprints[modality] != encoder.fingerprint():
                raise ArtifactError(
                    f"{path}: {modality} was encoded by another version of {encoder.name}; "
                    "extract the features again"
                )
        return encoders

    def encoder(self, modality: Modality) -> PhotoEncoder | WordEncoder:
        """Return the encoder of one modality."""
        return self.image if modality == "image" else self.text

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Encode texts of recipes or of a query.

        Parameters
        ----------
        texts
            Any strings.

        Returns
        -------
        numpy.ndarray
            Shape (N, dim); a row of zeros where a text holds no letter or digit: it is absent.
        """
        vectors = np.zeros((len(texts), self.text.dim), dtype=np.float32)
        rows = [row for row, text in enumerate(texts) if has_words(text)]
        if rows:
            vectors[rows] = self.text.encode([texts[row] for row in rows])
        return vectors

    @property
    def dims(self) -> dict[Modality, int]:
        """Length of each modality's vectors."""
        return {modality: self.encoder(modality).dim for modality in MODALITIES}

    @property
    def cache_names(self) -> dict[Literal["image", "text"], str]:
        """Names under which encoded contents are kept: all that decides what becomes of them.

        The libraries that decode and multiply count too, so that a vector from before an upgrade
        is never mixed with those from after it.
        """
        versions = _library_versions()
        photos = f"{versions}/{self.config.max_pixels}/{self.image.min_edge_px}"
        return {
            "image": f"{self.image.fingerprint()}-{_digest(photos)}",
            "text": f"{self.text.fingerprint()}-{_digest(versions)}",
        }

    def describe(self) -> dict[str, Any]:
        """Return what `encoders.json` holds."""
        return {
            "config": self.config.model_dump(mode="json"),
            "modalities": {
                modality: {
                    "encoder": self.encoder(modality).name,
                    "version": self.encoder(modality).version,
                    "dim": self.encoder(modality).dim,
                    "fingerprint": self.encoder(modality).fingerprint(),
                }
                for modality in MODALITIES
            },
        }

    def write(self, folder: Path) -> None:
        """Write `encoders.json` into a folder."""
        write_json_atomic(folder / ENCODERS_NAME, self.describe())


@cache
def _library_versions() -> str:
    return "/".join(version(name) for name in ("pillow", "numpy", "torch"))


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:8]
