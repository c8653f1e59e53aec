"""Settings of the sample world."""

from pydantic import Field

from mmpipeline.config.base import Section


class DifficultyConfig(Section):
    """How hard the sample world is.

    Fixed, so that figures compare over time: change it only in a commit of its own that shows
    every baseline before and after.
    """

    unnamed_title_fraction: float = Field(
        0.25, ge=0, le=1, description="titles without a dish name"
    )
    misspelt_title_fraction: float = Field(
        0.08, ge=0, le=1, description="named, but misspelt: 찌게"
    )
    missing_photo_fraction: float = Field(0.10, ge=0, le=1)
    ingredient_noise: float = Field(0.35, ge=0, le=1, description="chance of a foreign ingredient")
    photo_noise: float = Field(0.04, ge=0, le=1, description="pixel noise, share of full scale")
    photo_jitter: float = Field(0.12, ge=0, le=1, description="spread of light, crop and colour")
    look_alike_pull: float = Field(0.05, ge=0, le=1, description="0: dishes apart, 1: twins alike")
    staple_fraction: float = Field(0.6, ge=0, le=1, description="chance of each staple in any dish")
    asides: int = Field(8, ge=0, le=8, description="steps at most that say nothing of the dish")
    habits: float = Field(0.9, ge=0, le=1, description="how often a cook does as always")
    clutter: float = Field(0.5, ge=0, le=1, description="photos: patterns, side dishes, cutlery")


class SampleConfig(Section):
    """The sample world: a fake site and a Recipe1M dump of the same invented dishes."""

    seed: int = Field(2021, ge=0)
    recipes: int = Field(1800, ge=2, description="in all, half Korean and half English")
    dishes: int = Field(60, ge=2, le=60)
    photo_size_px: int = Field(128, ge=32, le=1024)
    difficulty: DifficultyConfig = DifficultyConfig()
