"""The cells of a grid of trainings: each one config of the model and one of the features.

A cell has a name that says what sets it apart, in one order of words, so that runs sort together.
Cells that differ in their seed alone are one setting, and a setting is judged by all its seeds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from mmpipeline.config.evaluate import ComparisonConfig
from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.train import TrainConfig

ONE_SET = "default"
"""What the only feature set is called when the grid names none."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One training of a grid.

    Attributes
    ----------
    features
        Name of the feature set.
    feature_config, train_config
        What is trained on, and what.
    """

    features: str
    feature_config: FeatureConfig
    train_config: TrainConfig

    @property
    def setting(self) -> str:
        """Name of all but the seed, such as ``info_nce gated linear default``."""
        train = self.train_config
        return f"{train.loss} {train.fusion} {train.encoder} {self.features}"

    @property
    def name(self) -> str:
        """Name of the cell."""
        return f"{self.setting} {self.train_config.seed}"

    def axes(self) -> dict[str, str | int]:
        """Return what sets the cell apart, by axis."""
        train = self.train_config
        return {
            "loss": train.loss,
            "fusion": train.fusion,
            "encoder": train.encoder,
            "features": self.features,
            "seed": train.seed,
        }


def list_cells(
    comparison: ComparisonConfig, features: FeatureConfig, train: TrainConfig
) -> Iterator[GridCell]:
    """List the cells of a grid, feature set by feature set.

    Parameters
    ----------
    comparison
        The grid.
    features, train
        What it does not name.

    Yields
    ------
    GridCell
        Their number is ``comparison.cells``.
    """
    sets = comparison.feature_sets or {ONE_SET: features}
    axes = (comparison.losses, comparison.fusions, comparison.encoders, comparison.seeds)
    for (name, feature_config), values in product(sets.items(), product(*axes)):
        named = dict(zip(("loss", "fusion", "encoder", "seed"), values, strict=True))
        yield GridCell(name, feature_config, train.model_copy(update=named))
