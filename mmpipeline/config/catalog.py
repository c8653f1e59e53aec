"""Settings of the catalogue: groups of copies, labels, splits, bounds on quality."""

from typing import Self

from pydantic import Field, model_validator

from mmpipeline.config.base import Section


class CatalogConfig(Section):
    """How recipes are grouped, labelled and split."""

    seed: int = Field(2021, ge=0)
    val_fraction: float = Field(0.1, gt=0, lt=1)
    test_fraction: float = Field(0.2, gt=0, lt=1)
    unknown_dish_fraction: float = Field(
        0.15, ge=0, lt=1, description="dishes held out of training"
    )
    min_dish_recipes: int = Field(2, ge=1, description="a name this rare is no dish label")
    near_copy_similarity: float = Field(
        0.7, gt=0, le=1, description="Jaccard of word 3-shingles from which texts are near copies"
    )
    max_photo_sharers: int = Field(5, ge=2, description="a photo of more recipes is no evidence")
    max_untitled_fraction: float = Field(0.2, ge=0, le=1, description="recipes without a title")
    max_duplicate_fraction: float = Field(0.5, ge=0, le=1, description="recipes that copy another")
    max_excluded_fraction: float = Field(0.05, ge=0, le=1, description="recipes that link sides")
    min_labelled_fraction: float = Field(0, ge=0, le=1, description="recipes with a dish")
    compact_fraction: float = Field(
        0.2, ge=0, le=1, description="merged, changed or gone recipes from which all is built anew"
    )

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction + test_fraction must stay below 1")
        return self
