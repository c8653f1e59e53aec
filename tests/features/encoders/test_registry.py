from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from mmpipeline.config import FeatureConfig, ImageEncoderName, TextEncoderName
from mmpipeline.features.encoders.registry import (
    IMAGE_ENCODERS,
    TEXT_ENCODERS,
    build_image_encoder,
    build_text_encoder,
    cards,
    markdown_table,
)

ROOT = Path(__file__).parents[3]

PACKAGED_IMAGE = ["descriptors", "efficientnet-lite0", "efficientnet-lite0-layers"]
PACKAGED_TEXT = ["hashed-ngrams", "universal-sentence"]


def test_config_and_registry_name_the_same_encoders() -> None:
    assert get_args(ImageEncoderName) == tuple(IMAGE_ENCODERS)
    assert get_args(TextEncoderName) == tuple(TEXT_ENCODERS)


def test_every_encoder_has_a_card_under_its_name() -> None:
    known = {card.name: card for card in cards()}
    for reads, names in (("image", IMAGE_ENCODERS), ("text", TEXT_ENCODERS)):
        for name in names:
            assert reads in known[name].reads
            assert known[name].licence
            assert known[name].languages or "text" not in known[name].reads


@pytest.mark.parametrize("name", PACKAGED_IMAGE)
def test_photo_encoder_keeps_what_its_card_says(name: ImageEncoderName) -> None:
    encoder = build_image_encoder(FeatureConfig(image_encoders=(name,)))
    card = next(card for card in cards() if card.name == name)
    noise = np.random.default_rng(5).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    vector = encoder.encode(Image.fromarray(noise).resize((300, 200)))
    assert (encoder.name, encoder.version, encoder.dim) == (card.name, card.version, card.dim)
    assert vector.shape == (encoder.dim,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", PACKAGED_TEXT)
def test_text_encoder_keeps_what_its_card_says(name: TextEncoderName) -> None:
    encoder = build_text_encoder(FeatureConfig(text_encoders=(name,)))
    card = next(card for card in cards() if card.name == name)
    vectors = encoder.encode(["김치찌개", "kimchi stew"])
    assert (encoder.name, encoder.version) == (card.name, card.version)
    assert card.dim in {None, encoder.dim}
    assert vectors.shape == (2, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_page_holds_the_table() -> None:
    assert markdown_table() in (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
