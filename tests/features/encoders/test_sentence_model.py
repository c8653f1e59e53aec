from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders.registry import build_text_encoder

pytest.importorskip("sentence_transformers", reason="pip install 'mmpipeline[hub]' to test it")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def config(folder: Path | str | None) -> FeatureConfig:
    model = None if folder is None else str(folder)
    return FeatureConfig(text_encoders=("sentence-model",), text_model=model)


def test_a_saved_sentence_model_gives_the_librarys_vectors(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from tests.features.tiny_models import write_bert

    whole = SentenceTransformer(str(write_bert(tmp_path / "bert")), device="cpu")
    whole.save(str(tmp_path / "sentence"))
    texts = ["tofu stew", "김치", "두부 stew soup"]
    encoder = build_text_encoder(config(tmp_path / "sentence"))
    vectors = encoder.encode(texts)
    assert vectors.shape == (3, encoder.dim) == (3, 16)
    np.testing.assert_allclose(vectors, whole.encode(texts, normalize_embeddings=True), atol=1e-5)
    assert np.array_equal(vectors[1:2], encoder.encode(texts[1:2]))


def test_fingerprint_is_of_the_weights_not_of_the_place(tmp_path: Path) -> None:
    from tests.features.tiny_models import write_bert

    prints = [
        build_text_encoder(config(write_bert(tmp_path / name, seed))).fingerprint()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert prints[0] == prints[1]
    assert prints[1] != prints[2]


def test_what_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs features\.text_model"):
        build_text_encoder(config(None))
    with pytest.raises(ConfigError, match="there is no such folder"):
        build_text_encoder(config(tmp_path / "absent"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="cannot be loaded"):
        build_text_encoder(config(tmp_path / "empty"))
