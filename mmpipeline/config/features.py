"""Settings of the encoders of photos and texts."""

from typing import Literal, Self

from pydantic import Field, model_validator

from mmpipeline.config.base import MAX_PIXELS, Section

ImageEncoderName = Literal[
    "descriptors", "efficientnet-lite0", "efficientnet-lite0-layers", "joint-tower"
]


TextEncoderName = Literal["hashed-ngrams", "universal-sentence", "sentence-model", "joint-tower"]


class FeatureConfig(Section):
    """How each modality becomes a vector; docs/encoders.md compares the encoders."""

    image_encoders: tuple[ImageEncoderName, ...] = Field(
        ("descriptors",), min_length=1, description="several are joined"
    )
    text_encoders: tuple[TextEncoderName, ...] = Field(
        ("hashed-ngrams",), min_length=1, description="several are joined"
    )
    text_model: str | None = Field(None, description="of sentence-model: a folder or a name")
    joint_model: str | None = Field(None, description="of joint-tower: a folder or a name")
    text_dim: int = Field(1024, ge=16, le=65536, description="hash buckets of a text modality")
    ngram_min: int = Field(2, ge=1, le=8)
    ngram_max: int = Field(4, ge=1, le=8)
    image_size_px: int = Field(96, ge=32, le=512, description="edge that photos are scaled to")
    max_pixels: int = Field(MAX_PIXELS, ge=1)

    @model_validator(mode="after")
    def _check_ngram_range(self) -> Self:
        if self.ngram_min > self.ngram_max:
            raise ValueError("ngram_min must not exceed ngram_max")
        return self
