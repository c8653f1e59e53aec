"""The encoders that a config can name, each in a file of its own.

A file is imported only when its encoder is asked for, so an optional package is needed by nobody
else. `mmpipeline.config` lists the same names, since a config is checked without importing torch.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType

from mmpipeline.config import FeatureConfig
from mmpipeline.features.card import EncoderCard, PhotoEncoder, WordEncoder
from mmpipeline.features.joined import JoinedPhotoEncoder, JoinedWordEncoder

IMAGE_ENCODERS: Mapping[str, str] = {
    "descriptors": "image_encoder",
    "efficientnet-lite0": "efficientnet_lite0",
}
"""Modules of this room by the names of what encodes photos."""

TEXT_ENCODERS: Mapping[str, str] = {
    "hashed-ngrams": "text_encoder",
    "universal-sentence": "universal_sentence",
}
"""Modules of this room by the names of what encodes texts."""


def build_image_encoder(config: FeatureConfig) -> PhotoEncoder:
    """Return what encodes photos under a config.

    Raises
    ------
    ConfigError
        If it needs a package or a model that is not there.
    """
    parts: list[PhotoEncoder] = [
        _module(IMAGE_ENCODERS[name]).build(config) for name in config.image_encoders
    ]
    return parts[0] if len(parts) == 1 else JoinedPhotoEncoder(parts)


def build_text_encoder(config: FeatureConfig) -> WordEncoder:
    """Return what encodes texts under a config.

    Raises
    ------
    ConfigError
        If it needs a package or a model that is not there.
    """
    parts: list[WordEncoder] = [
        _module(TEXT_ENCODERS[name]).build(config) for name in config.text_encoders
    ]
    return parts[0] if len(parts) == 1 else JoinedWordEncoder(parts)


def cards() -> Iterator[EncoderCard]:
    """Yield what is known of every encoder, photos first; a joint tower once."""
    for name in dict.fromkeys((*IMAGE_ENCODERS.values(), *TEXT_ENCODERS.values())):
        card: EncoderCard = _module(name).CARD
        yield card


def _module(name: str) -> ModuleType:
    return import_module(f"{__package__}.{name}")
