"""Photos and texts through the two towers of a CLIP or SigLIP model, into one space.

With the same model for photos and texts, a photo can be compared with a text without any training.
The model is named in the config, by name or folder; its own preprocessing is used, in the variant
that needs no torchvision.

References
----------
Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021,
section 2.3; Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023, section 3.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from PIL import Image

from mmpipeline.arrays import Float32Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders.card import EncoderCard
from mmpipeline.features.encoders.hub import digest_weights, model_source, require_hub
from mmpipeline.features.encoders.single_thread import one_thread

CARD = EncoderCard(
    name="joint-tower",
    version="1",
    reads=("image", "text"),
    dim=None,
    weights_sha256=None,
    licence="of the model",
    languages=("of the model",),
    extra="hub",
    per_cpu_s=None,
    about="A CLIP or SigLIP model for photos and texts, by name or folder (`joint_model`).",
)


class PhotoTower:
    """Encodes photos with the tower of a model that sees.

    Parameters
    ----------
    towers
        The loaded model.
    """

    name = CARD.name
    version = CARD.version
    min_edge_px = 512

    def __init__(self, towers: "LoadedTowers") -> None:
        self._towers = towers
        self.dim = len(towers.encode_photo(Image.new("RGB", (64, 64))))

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""
        content = f"{self.name}/{self.version}/image/{self._towers.digest}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, photo: Image.Image) -> Float32Array:
        """Encode one upright RGB photo: shape (dim,), of length 1."""
        return self._towers.encode_photo(photo)


class TextTower:
    """Encodes texts with the tower of a model that reads.

    Parameters
    ----------
    towers
        The loaded model.
    """

    name = CARD.name
    version = CARD.version

    def __init__(self, towers: "LoadedTowers") -> None:
        self._towers = towers
        self.dim = len(towers.encode_text("a"))

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""
        content = f"{self.name}/{self.version}/text/{self._towers.digest}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Encode texts, one at a time: shape (N, dim), rows of length 1."""
        return np.stack([self._towers.encode_text(text) for text in texts])


class LoadedTowers:
    """A model with its preprocessing.

    Parameters
    ----------
    model
        A folder or a name.

    Attributes
    ----------
    digest
        Of weights and preprocessing.

    Raises
    ------
    ConfigError
        If the packages are missing, or this is no model with two towers.
    """

    def __init__(self, model: str | None) -> None:
        require_hub(CARD.name, "transformers")
        source, is_folder = model_source(model, CARD.name, "joint_model")
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        try:
            self._model: Any = AutoModel.from_pretrained(
                source, use_safetensors=True, local_files_only=is_folder
            ).eval()
            self._photos: Any = AutoImageProcessor.from_pretrained(
                source, backend="pil", local_files_only=is_folder
            )
            self._tokens: Any = AutoTokenizer.from_pretrained(source, local_files_only=is_folder)
        except (OSError, ValueError, RuntimeError) as error:
            first = str(error).strip().partition("\n")[0]
            raise ConfigError(
                f"features.joint_model = {model!r} cannot be loaded: {first}"
            ) from error
        if not hasattr(self._model, "get_image_features"):
            raise ConfigError(
                f"features.joint_model = {model!r} is a {type(self._model).__name__}; expected a "
                "model with a tower for photos and one for texts, such as CLIP or SigLIP"
            )
        self._length = int(self._model.config.text_config.max_position_embeddings)
        described = f"{digest_weights(self._model)}/{self._photos.to_json_string()}/{self._length}"
        self.digest = hashlib.sha256(described.encode()).hexdigest()

    def encode_photo(self, photo: Image.Image) -> Float32Array:
        """Encode one photo: shape (dim,), of length 1."""
        with one_thread(), torch.inference_mode():
            inputs = self._photos(images=photo, return_tensors="pt")
            return _unit(self._model.get_image_features(**inputs))

    def encode_text(self, text: str) -> Float32Array:
        """Encode one text, padded to the model's length as it was trained: (dim,), of length 1."""
        with one_thread(), torch.inference_mode():
            inputs = self._tokens(
                [text],
                padding="max_length",
                truncation=True,
                max_length=self._length,
                return_tensors="pt",
            )
            inputs.pop("token_type_ids", None)
            return _unit(self._model.get_text_features(**inputs))


def build_image(config: FeatureConfig) -> PhotoTower:
    """Return the photos' tower of the model that a config names."""
    return PhotoTower(_load_once(config.joint_model))


def build_text(config: FeatureConfig) -> TextTower:
    """Return the texts' tower; the model is loaded once for both."""
    return TextTower(_load_once(config.joint_model))


@lru_cache(maxsize=1)
def _load_once(model: str | None) -> LoadedTowers:
    return LoadedTowers(model)


def _unit(output: torch.Tensor) -> Float32Array:
    pooled: torch.Tensor = output.pooler_output if hasattr(output, "pooler_output") else output
    vector: Float32Array = torch.nn.functional.normalize(pooled, dim=-1)[0].numpy()
    return vector
