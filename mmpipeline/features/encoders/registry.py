"""The encoders that a config can name, each in a file of its own.

A file is imported only when its encoder is asked for, so an optional package is needed by nobody
else. `mmpipeline.config` lists the same names, since a config is checked without importing torch.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from mmpipeline.config.features import FeatureConfig
from mmpipeline.features.encoders.card import EncoderCard, PhotoEncoder, WordEncoder
from mmpipeline.features.encoders.joined import JoinedPhotoEncoder, JoinedWordEncoder

IMAGE_ENCODERS: Mapping[str, str] = {
    "descriptors": "descriptors:build",
    "efficientnet-lite0": "efficientnet:build",
    "efficientnet-lite0-layers": "efficientnet_layers:build",
    "joint-tower": "joint_tower:build_image",
}
"""Functions of this room, as ``module:name``, by the names of what encodes photos."""

TEXT_ENCODERS: Mapping[str, str] = {
    "hashed-ngrams": "ngrams:build",
    "universal-sentence": "universal_sentence:build",
    "sentence-model": "sentence_model:build",
    "joint-tower": "joint_tower:build_text",
}
"""Functions of this room, as ``module:name``, by the names of what encodes texts."""


def build_image_encoder(config: FeatureConfig) -> PhotoEncoder:
    """Return what encodes photos under a config.

    Raises
    ------
    ConfigError
        If it needs a package or a model that is not there.
    """
    parts: list[PhotoEncoder] = [
        _find(IMAGE_ENCODERS[name])(config) for name in config.image_encoders
    ]
    return parts[0] if len(parts) == 1 else JoinedPhotoEncoder(parts)


def build_text_encoder(config: FeatureConfig) -> WordEncoder:
    """Return what encodes texts under a config.

    Raises
    ------
    ConfigError
        If it needs a package or a model that is not there.
    """
    parts: list[WordEncoder] = [_find(TEXT_ENCODERS[name])(config) for name in config.text_encoders]
    return parts[0] if len(parts) == 1 else JoinedWordEncoder(parts)


def cards() -> Iterator[EncoderCard]:
    """Yield what is known of every encoder, photos first; a joint tower once."""
    builders = (*IMAGE_ENCODERS.values(), *TEXT_ENCODERS.values())
    for module in dict.fromkeys(builder.partition(":")[0] for builder in builders):
        card: EncoderCard = _module(module).CARD
        yield card


def markdown_table() -> str:
    """Return the cards as the table of docs/encoders.md and of `mmpipeline encoders`."""
    lines = [
        "| name | reads | dim | languages | licence | per CPU s | weights sha256 | needs | what |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for card in cards():
        cells = (
            card.name,
            " ".join(card.reads),
            card.dim or "varies",
            " ".join(card.languages) or "none",
            card.licence,
            "varies" if card.per_cpu_s is None else f"{card.per_cpu_s:,}",
            card.weights_sha256[:12] if card.weights_sha256 else "none",
            f"`{card.extra}`" if card.extra else "nothing further",
            card.about,
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def builders_of(config: FeatureConfig) -> tuple[str, ...]:
    """Return what builds the encoders of a config, as full ``module:name``."""
    images = (IMAGE_ENCODERS[name] for name in config.image_encoders)
    texts = (TEXT_ENCODERS[name] for name in config.text_encoders)
    return tuple(f"{__package__}.{builder}" for builder in (*images, *texts))


def _find(builder: str) -> Callable[[FeatureConfig], Any]:
    module, _, name = builder.partition(":")
    found: Callable[[FeatureConfig], Any] = getattr(_module(module), name)
    return found


def _module(name: str) -> ModuleType:
    return import_module(f"{__package__}.{name}")
