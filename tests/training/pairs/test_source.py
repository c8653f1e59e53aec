from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmpipeline.config import TrainConfig
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pairs.fusion import make_model
from mmpipeline.training.pairs.source import PairSource, ShownItems, pair_objective
from mmpipeline.training.pairs.table import PairTable

CONFIG = TrainConfig(anchors_per_batch=24, hidden_dim=32, embedding_dim=16, dropout=0)


@pytest.fixture(scope="module")
def features(world: SimpleNamespace) -> FeatureSet:
    return FeatureSet.open(world.features)


@pytest.fixture(scope="module")
def table(world: SimpleNamespace, features: FeatureSet) -> PairTable:
    return PairTable.open(world.pairs, features, "train")


def same(one: ShownItems, other: ShownItems) -> bool:
    names = ("image_rows", "text_rows", "mask")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize("stop", [0, 1, 3, 4, 5, 9])
def test_goes_on_where_another_stood_over_the_end_of_an_epoch(
    features: FeatureSet, table: PairTable, stop: int
) -> None:
    first, second = (PairSource(features, table, CONFIG) for _ in range(2))
    for _ in range(stop):
        first.take()
    second.load_state_dict(first.state_dict())
    for _ in range(2 * len(first) + 1):
        assert same(first.take(), second.take())


def test_items_show_what_they_have_anew_each_epoch(features: FeatureSet, table: PairTable) -> None:
    source = PairSource(features, table, CONFIG)
    masks = []
    for _ in range(2 * len(source)):
        items = source.take()
        assert items.pairs is not None
        present = items.pairs.presence(features.presence)
        assert items.mask.any(axis=1).all()
        assert not (items.mask & ~present).any()
        masks.append(items.mask)
    assert len({mask.tobytes() for mask in masks}) == len(masks)


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_parts_encode_to_the_batch(features: FeatureSet, table: PairTable, parts: int) -> None:
    model, objective = make_model(features, table, CONFIG), pair_objective(features, CONFIG)
    items = PairSource(features, table, CONFIG).take()
    with torch.no_grad():
        pieces = [objective.encode(model, part) for part in objective.split(items, parts)]
        torch.testing.assert_close(torch.cat(pieces), objective.encode(model, items))


def test_a_batch_is_described_by_its_anchors_recipes(
    features: FeatureSet, table: PairTable
) -> None:
    source = PairSource(features, table, CONFIG)
    items = source.take()
    assert source.describe(items).startswith("22 recipes (t:")
    part = items.split(30)[0]
    assert source.describe(part).endswith(")")
