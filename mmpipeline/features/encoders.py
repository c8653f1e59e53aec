"""The encoders of one experiment, one a modality, and their description on disk.

`encoders.json` travels with every feature set and every index. It holds the config the encoders
are built from and a fingerprint of each, so a query can never be encoded by something else than
what encoded the index: a differing fingerprint is refused.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from mmpipeline.config import FeatureConfig, describe_problems
from mmpipeline.errors import ArtifactError
from mmpipeline.features.image_encoder import ImageEncoder
from mmpipeline.features.text_encoder import TextEncoder
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
    image: ImageEncoder
    text: TextEncoder

    @classmethod
    def build(cls, config: FeatureConfig) -> Self:
        """Build the encoders that a config section asks for."""
        return cls(
            config,
            ImageEncoder(config.image_size_px),
            TextEncoder(config.text_dim, config.ngram_min, config.ngram_max),
        )

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
            raise ArtifactError(f"{path}: {describe_problems(error)}") from error
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

    def encoder(self, modality: Modality) -> ImageEncoder | TextEncoder:
        """Return the encoder of one modality."""
        return self.image if modality == "image" else self.text

    @property
    def dims(self) -> dict[Modality, int]:
        """Length of each modality's vectors."""
        return {modality: self.encoder(modality).dim for modality in MODALITIES}

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
