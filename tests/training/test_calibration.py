from types import SimpleNamespace

import numpy as np
import torch

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel, ModelOptions
from mmpipeline.training.calibration import GRID, calibrate, fit_raw_part


def make_model(features: FeatureSet) -> FusionModel:
    torch.manual_seed(0)
    return FusionModel(dict(features.dims), 8, 8, options=ModelOptions(raw_dim=16))


def test_fits_the_axes_of_every_modality_on_recipes_that_have_it(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    part = make_model(features).raw_part
    assert part is not None
    fit_raw_part(part, features, np.arange(40, dtype=np.int32))
    chosen = np.arange(40)[features.presence[:40, 0]]
    mean = features.matrix("image")[chosen].astype(np.float32).mean(axis=0)
    assert np.allclose(part.get_buffer("mean_image").numpy(), mean, atol=1e-5)
    for name in features.dims:
        axes = part.get_buffer(f"axes_{name}")
        assert torch.allclose(axes.T @ axes, torch.eye(16), atol=1e-4)


def test_chooses_the_share_that_scores_best_for_each_number_of_parts(
    world: SimpleNamespace,
) -> None:
    model = make_model(FeatureSet.open(world.features))
    wanted = {4: 0.2, 3: 0.3, 2: 0.0, 1: 0.6}

    def score(model: FusionModel, shown: int) -> float | None:
        assert model.raw_part is not None
        return -abs(float(model.raw_part.share[shown]) - wanted[shown])

    assert calibrate(model, score) == (0.6, 0.0, 0.3, 0.2)
    assert model.raw_part is not None
    assert torch.allclose(model.raw_part.share, torch.tensor([0.0, 0.6, 0.0, 0.3, 0.2]))


def test_what_cannot_be_measured_keeps_the_learned_part_alone(world: SimpleNamespace) -> None:
    model = make_model(FeatureSet.open(world.features))
    assert calibrate(model, lambda _, __: None) == (0.0, 0.0, 0.0, 0.0)
    assert calibrate(model, lambda _, __: 1.0) == (GRID[0],) * 4  # of equals the smallest
