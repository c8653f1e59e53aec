from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel, ModelOptions
from mmpipeline.models.embed import embed_rows, mask_subset
from mmpipeline.training.pairs import private_subspaces
from mmpipeline.training.pairs.private_subspaces import fit_private_subspace

ROWS = np.arange(40)


def make_model(features: FeatureSet, private_dim: int) -> FusionModel:
    torch.manual_seed(0)
    options = ModelOptions("weighted_sum", private_dim=private_dim, private_weight=1)
    return FusionModel(dict(features.dims), 8, 8, options=options)


def test_the_codes_of_what_recipes_show_decide(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    model = make_model(features, private_dim=8)
    fit_private_subspace(model, features, ROWS.astype(np.int32))
    mask = mask_subset(features.presence[ROWS], ("title",))
    shown = mask.any(axis=1)
    vectors = embed_rows(model, features, ROWS[shown], mask[shown])
    inputs = {"title": torch.from_numpy(features.matrix("title")[ROWS[shown]].astype(np.float32))}
    codes = model.encode(inputs, torch.from_numpy(mask[shown]))[:, 1].detach()
    unit = functional.normalize(codes, dim=1)
    assert torch.allclose(vectors @ vectors.T, unit @ unit.T, atol=1e-4)


def test_blocks_of_recipes_give_what_all_give_at_once(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = FeatureSet.open(world.features)
    spaces = []
    for block in (4096, 7):
        monkeypatch.setattr(private_subspaces, "BLOCK_ROWS", block)
        model = make_model(features, private_dim=3)
        fit_private_subspace(model, features, ROWS.astype(np.int32))
        assert model.private_subspace is not None
        spaces.append(model.private_subspace.axes @ model.private_subspace.axes.transpose(1, 2))
    assert torch.allclose(*spaces, atol=1e-4)


def test_a_model_without_own_places_stays_as_it_is(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    model = make_model(features, private_dim=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit_private_subspace(model, features, ROWS.astype(np.int32))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
