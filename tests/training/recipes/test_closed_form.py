import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmpipeline.config import TrainConfig
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel
from mmpipeline.models.embed import embed_rows
from mmpipeline.training.pairs.fusion import make_model
from mmpipeline.training.pairs.table import PairTable
from mmpipeline.training.recipes.closed_form import begin_at_ridge

CONFIG = TrainConfig(hidden_dim=16, embedding_dim=16)


def prepare(world: SimpleNamespace, **changes: object) -> tuple[FusionModel, FeatureSet, PairTable]:
    features = FeatureSet.open(world.features)
    table = PairTable.open(world.pairs, features, "train")
    return make_model(features, table, CONFIG.model_copy(update=changes)), features, table


def named_rightly(model: FusionModel, features: FeatureSet, world: SimpleNamespace) -> list[float]:
    """Return how often a held-out recipe's one part is nearest to its dish's full recipes."""
    held_out = np.array([side == "val" for side in world.split])
    rows = np.arange(len(held_out))
    items = embed_rows(model, features, rows[~held_out], features.presence[~held_out])
    shares = []
    for column in range(4):
        asks = held_out & features.presence[:, column]
        mask = np.zeros((asks.sum(), 4), dtype=bool)
        mask[:, column] = True
        queries = embed_rows(model, features, rows[asks], mask)
        nearest = (queries @ items.T).argmax(dim=1).numpy()
        shares.append(float((world.dish[~held_out][nearest] == world.dish[asks]).mean()))
    return shares


@pytest.mark.parametrize("hidden_dim", [16, 4])
def test_single_parts_name_dishes_before_any_step(world: SimpleNamespace, hidden_dim: int) -> None:
    model, features, table = prepare(world, hidden_dim=hidden_dim, embedding_dim=hidden_dim)
    before = named_rightly(model, features, world)
    rows = np.unique(table.summary.anchors)
    begin_at_ridge(model, features, rows, table.summary.dish, seed=3)
    after = named_rightly(model, features, world)
    assert np.mean(after) > np.mean(before)
    if hidden_dim == 16:
        assert min(after) >= 0.9


def test_the_seed_decides_and_unlabelled_recipes_do_not(world: SimpleNamespace) -> None:
    _, features, table = prepare(world)
    rows, dish = np.unique(table.summary.anchors), table.summary.dish.copy()
    dish[rows[::3]] = -1

    def begun(rows: np.ndarray, seed: int) -> torch.Tensor:
        model, _, _ = prepare(world)
        begin_at_ridge(model, features, rows, dish, seed)
        return model.encoders["title"].layer.weight.detach()

    labelled = rows[dish[rows] >= 0]
    assert torch.equal(begun(rows, 3), begun(labelled, 3))
    assert not torch.equal(begun(rows, 3), begun(rows, 4))


def test_deep_encoders_and_recipes_without_labels_change_nothing(world: SimpleNamespace) -> None:
    for changes, label in (({"encoder": "deep"}, 0), ({}, -1)):
        model, features, table = prepare(world, **changes)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        dish = np.full_like(table.summary.dish, label)
        begin_at_ridge(model, features, np.unique(table.summary.anchors), dish, seed=3)
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_what_is_alike_in_all_recipes_begins_with_sound_weights(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    """One recipe with a photo, or one photo in all of them: nothing to fit, and no division."""
    shutil.copytree(world.features, tmp_path / "features")
    titles = np.load(world.features / "title.npy")
    np.save(tmp_path / "features/title.npy", np.repeat(titles[:1], len(titles), axis=0))
    features = FeatureSet.open(tmp_path / "features")
    table = PairTable.open(world.pairs, features, "train")
    model = make_model(features, table, CONFIG)
    begin_at_ridge(model, features, np.unique(table.summary.anchors), table.summary.dish, seed=3)
    weights = model.encoders["title"].layer.weight.detach()
    assert weights.isfinite().all()
    assert 0 < weights.abs().max() < 10
