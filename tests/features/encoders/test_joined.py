import numpy as np
import pytest
from PIL import Image

from mmpipeline.config import FeatureConfig
from mmpipeline.features.encoders.descriptors import ImageEncoder
from mmpipeline.features.encoders.joined import JoinedPhotoEncoder, JoinedWordEncoder
from mmpipeline.features.encoders.ngrams import TextEncoder
from mmpipeline.features.encoders.registry import build_image_encoder, build_text_encoder

SMALL, LARGE = TextEncoder(32, 2, 3), TextEncoder(64, 1, 4)


def test_texts_stand_one_behind_the_other_with_equal_weight() -> None:
    joined = JoinedWordEncoder([SMALL, LARGE])
    texts = ["두부 김치찌개", "beef stew"]
    vectors = joined.encode(texts)
    assert vectors.shape == (2, joined.dim) == (2, 96)
    np.testing.assert_allclose(vectors[:, :32] * 2**0.5, SMALL.encode(texts), rtol=1e-6)
    np.testing.assert_allclose(vectors[:, 32:] * 2**0.5, LARGE.encode(texts), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_photos_are_decoded_large_enough_for_each_part() -> None:
    joined = JoinedPhotoEncoder([ImageEncoder(48), ImageEncoder(96)])
    assert joined.min_edge_px == 192
    assert joined.encode(Image.new("RGB", (60, 40), "red")).shape == (joined.dim,)


def test_fingerprint_follows_the_parts_and_their_order() -> None:
    prints = {
        JoinedWordEncoder(parts).fingerprint()
        for parts in ([SMALL, LARGE], [LARGE, SMALL], [SMALL, SMALL])
    }
    assert len(prints) == 3


def test_a_config_joins_what_it_names() -> None:
    config = FeatureConfig(
        image_encoders=("descriptors", "efficientnet-lite0"),
        text_encoders=("hashed-ngrams", "universal-sentence"),
        text_dim=64,
    )
    assert build_text_encoder(config).dim == 64 + 512
    assert build_image_encoder(config).name == "descriptors+efficientnet-lite0"
    with pytest.raises(ValueError, match="at least 1 item"):
        FeatureConfig(text_encoders=())
