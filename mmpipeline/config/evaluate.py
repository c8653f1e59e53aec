"""Settings of evaluation: held-out queries, the frozen set, grids of trainings."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from mmpipeline.config.base import Section
from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.train import FusionName, LossName


class EvaluateConfig(Section):
    """What is measured on held-out recipes."""

    seed: int = Field(2021, ge=0)
    prototype_references: int = Field(20, ge=1, description="K recipes drawn for a prototype")
    prototype_draws: int = Field(5, ge=1)
    max_queries: int = Field(5000, ge=10, description="that one question is asked with")
    split: Literal["test", "val"] | None = Field(
        None, description="who asks; None: test, or val where there is no test"
    )


class FrozenSetConfig(Section):
    """The set that every model is scored on, whatever catalogue it was trained from."""

    version: int = Field(1, ge=1, description="a new number draws a new set; the old one stays")
    seed: int = Field(2021, ge=0)
    recipes: int = Field(600, ge=4, description="held-out recipes in it, at most")


class ComparisonConfig(Section):
    """A grid of trainings: every loss with every fusion, encoder, feature set and seed.

    What the grid does not name is as in `[train]` and `[features]`.
    """

    name: str = Field(
        "grid",
        pattern=r"^[\w-]{1,64}$",
        description="its MLflow run; one that grows keeps its name",
    )
    losses: tuple[LossName, ...] = Field(
        ("supervised_contrastive", "prototypical", "sigmoid_pairwise"), min_length=1
    )
    fusions: tuple[FusionName, ...] = Field(("weighted_sum", "gated"), min_length=1)
    encoders: tuple[Literal["linear", "deep"], ...] = Field(
        ("linear",), min_length=1, description="of each modality, in the model"
    )
    seeds: tuple[int, ...] = Field((2021, 2022), min_length=1)
    feature_sets: dict[str, FeatureConfig] = Field(
        {}, description="by name, as `[features]`; none: the one of `[features]`"
    )
    max_cells: int = Field(200, ge=1, description="a larger grid is refused")

    @property
    def cells(self) -> int:
        """How many trainings the grid asks for."""
        axes = (self.losses, self.fusions, self.encoders, self.seeds)
        return math.prod(map(len, axes)) * max(1, len(self.feature_sets))

    @model_validator(mode="after")
    def _check_axes(self) -> Self:
        for axis in ("losses", "fusions", "encoders", "seeds"):
            values = getattr(self, axis)
            if len(set(values)) < len(values):
                raise ValueError(f"{axis} names something twice: {', '.join(map(str, values))}")
        if min(self.seeds) < 0:
            raise ValueError("seeds must be at least 0")
        if self.cells > self.max_cells:
            raise ValueError(
                f"the grid has {self.cells} cells, more than max_cells = {self.max_cells}; "
                "name fewer values or raise max_cells"
            )
        return self
