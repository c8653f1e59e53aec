"""A text through a sentence-transformers or transformers model, by name or from a folder.

For whoever has a better model of their languages than the packaged ones, at more cost. A plain
transformers folder gets mean pooling from the library.

References
----------
Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from mmpipeline.arrays import Float32Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders.card import EncoderCard
from mmpipeline.features.encoders.hub import digest_weights, model_source, require_hub
from mmpipeline.features.encoders.single_thread import one_thread

CARD = EncoderCard(
    name="sentence-model",
    version="1",
    reads=("text",),
    dim=None,
    weights_sha256=None,
    licence="of the model",
    languages=("of the model",),
    extra="hub",
    per_cpu_s=None,
    about="A sentence-transformers or transformers model, by name or folder (`text_model`).",
)


class SentenceModel:
    """Encodes texts with a model of the user's choice.

    Parameters
    ----------
    model
        A folder or a name.

    Raises
    ------
    ConfigError
        If the packages are missing or the model cannot be loaded.
    """

    name = CARD.name
    version = CARD.version

    def __init__(self, model: str | None) -> None:
        require_hub(self.name, "sentence_transformers")
        source, is_folder = model_source(model, self.name, "text_model")
        from sentence_transformers import SentenceTransformer

        try:
            self._model: Any = SentenceTransformer(
                source,
                device="cpu",
                local_files_only=is_folder,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, RuntimeError) as error:
            first = str(error).strip().partition("\n")[0]
            raise ConfigError(
                f"features.text_model = {model!r} cannot be loaded: {first}"
            ) from error
        self._model.eval()
        self.dim = int(self._model.get_embedding_dimension())
        self._digest = digest_weights(self._model)

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""
        content = f"{self.name}/{self.version}/{self._digest}/{self._model.max_seq_length}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Encode texts, one at a time; of each, as many tokens as the model takes.

        Parameters
        ----------
        texts
            Any strings.

        Returns
        -------
        numpy.ndarray
            Shape (N, dim), rows of length 1.
        """
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        with one_thread():
            for row, text in enumerate(texts):
                vectors[row] = self._model.encode(
                    text, show_progress_bar=False, normalize_embeddings=True
                )
        return vectors


def build(config: FeatureConfig) -> SentenceModel:
    """Return the encoder that a config asks for."""
    return _build_once(config.text_model)


@lru_cache(maxsize=1)
def _build_once(model: str | None) -> SentenceModel:
    return SentenceModel(model)
