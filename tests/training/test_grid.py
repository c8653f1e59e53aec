"""The cells of a grid: their number, their names, what they take from the other sections."""

from mmpipeline.config import ComparisonConfig, FeatureConfig, TrainConfig
from mmpipeline.training.grid import list_cells


def test_every_value_meets_every_other() -> None:
    grid = ComparisonConfig(
        losses=("info_nce", "cosine_pair"),
        fusions=("gated", "attention", "weighted_sum"),
        encoders=("linear",),
        seeds=(1, 2),
        feature_sets={"small": FeatureConfig(text_dim=64), "large": FeatureConfig()},
    )
    cells = list(list_cells(grid, FeatureConfig(), TrainConfig(epochs=3)))
    assert len(cells) == grid.cells == 24
    assert len({cell.name for cell in cells}) == 24
    assert len({cell.setting for cell in cells}) == 12
    assert cells[0].name == "info_nce gated linear small 1"
    assert cells[0].feature_config.text_dim == 64
    assert {cell.train_config.epochs for cell in cells} == {3}
    assert cells[0].axes() == {
        "loss": "info_nce",
        "fusion": "gated",
        "encoder": "linear",
        "features": "small",
        "seed": 1,
    }


def test_without_feature_sets_there_is_the_one_of_features() -> None:
    features = FeatureConfig(text_dim=99)
    cells = list(list_cells(ComparisonConfig(), features, TrainConfig()))
    assert len(cells) >= 12
    assert {cell.feature_config for cell in cells} == {features}
    assert {cell.features for cell in cells} == {"default"}
