"""Settings of the pair table."""

from pydantic import Field

from mmpipeline.config.base import Section


class PairConfig(Section):
    """How many pairs of each kind an anchor gets."""

    seed: int = Field(2021, ge=0)
    positives: int = Field(4, ge=1, le=64, description="same dish")
    negatives: int = Field(4, ge=1, le=64, description="image and text both of another dish")
    image_swaps: int = Field(1, ge=0, le=16, description="the anchor's text, another dish's image")
    text_swaps: int = Field(1, ge=0, le=16, description="the anchor's image, another dish's text")
    hard_negatives: int = Field(2, ge=0, le=64, description="from dishes that share ingredients")
    dishes: tuple[str, ...] | None = Field(
        None, min_length=2, description="pair recipes of these dishes only; None takes all recipes"
    )
    max_anchors_per_dish: int | None = Field(None, ge=1, description="cap for class balance")
    class_balance: float = Field(
        1, ge=0, le=1, description="0: anchors weigh alike, 1: dishes weigh alike"
    )
    look_alike_dishes: int = Field(2, ge=1, le=16, description="per dish, for hard negatives")
    core_fraction: float = Field(
        0.3, gt=0, le=1, description="recipes of a dish that name an ingredient of the dish"
    )
    common_fraction: float = Field(
        0.2, gt=0, le=1, description="dishes that name it, beyond which it tells none apart"
    )
