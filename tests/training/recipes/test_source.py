from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmpipeline.config import TrainConfig
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pairs.table import PairTable
from mmpipeline.training.recipes.source import RecipeBatch, RecipeSource, draw_single

CONFIG = TrainConfig(anchors_per_batch=22, mixed_fraction=0.5, single_part_fraction=0.5)


@pytest.fixture(scope="module")
def features(world: SimpleNamespace) -> FeatureSet:
    return FeatureSet.open(world.features)


def make_source(
    world: SimpleNamespace, features: FeatureSet, config: TrainConfig = CONFIG
) -> RecipeSource:
    table = PairTable.open(world.pairs, features, "train")
    return RecipeSource(features, table.summary, config, "digest")


def take_epoch(source: RecipeSource) -> list[RecipeBatch]:
    return [source.take() for _ in range(len(source))]


def test_an_epoch_shows_every_training_recipe_twice(
    world: SimpleNamespace, features: FeatureSet
) -> None:
    source = make_source(world, features)
    batches = take_epoch(source)
    assert len(batches) == 4
    first = np.concatenate([batch.text_rows[: batch.recipes] for batch in batches])
    train = [row for row, split in enumerate(world.split) if split == "train"]
    assert sorted(first.tolist()) == train
    for batch in batches:
        views = batch.text_rows[: 2 * batch.recipes].reshape(2, -1)
        assert np.array_equal(views[0], views[1])


def test_items_show_only_what_they_have_and_never_nothing(
    world: SimpleNamespace, features: FeatureSet
) -> None:
    source = make_source(world, features)
    masks = []
    for batch in (*take_epoch(source), *take_epoch(source)):
        has_image = features.presence[batch.image_rows, 0]
        has_text = features.presence[batch.text_rows, 1:]
        assert not (batch.mask[:, 0] & ~has_image).any()
        assert not (batch.mask[:, 1:] & ~has_text).any()
        assert batch.mask.any(axis=1).all()
        masks.append(batch.mask[: 2 * batch.recipes])
    singles = (np.concatenate(masks).sum(axis=1) == 1).mean()
    assert 0.5 < singles < 0.75  # half on purpose, 4 of 15 of the others by chance


def test_mixed_items_hold_parts_of_two_dishes_and_show_both(
    world: SimpleNamespace, features: FeatureSet
) -> None:
    batch = make_source(world, features).take()
    mixed = np.arange(len(batch.mask)) >= 2 * batch.recipes
    assert mixed.any()
    assert (world.dish[batch.image_rows[mixed]] != world.dish[batch.text_rows[mixed]]).all()
    assert batch.mask[mixed, 0].all()
    assert batch.mask[mixed, 1:].any(axis=1).all()
    assert (batch.recipe[mixed] == -1).all()
    assert (batch.dish[mixed] == -1).all()
    assert (batch.mixed_dishes[~mixed] == -1).all()


def test_batches_follow_from_seed_and_place(world: SimpleNamespace, features: FeatureSet) -> None:
    source = make_source(world, features)
    for _ in range(6):
        source.take()
    again = make_source(world, features)
    again.load_state_dict(source.state_dict())
    for _ in range(3):
        ours, theirs = source.take(), again.take()
        assert np.array_equal(ours.text_rows, theirs.text_rows)
        assert np.array_equal(ours.mask, theirs.mask)
    assert source.digest == "digest"


def test_recipes_come_as_often_as_they_weigh(world: SimpleNamespace, features: FeatureSet) -> None:
    summary = PairTable.open(world.pairs, features, "train").summary
    summary.weight[:] = np.where(summary.dish[summary.anchors] == 0, 3.0, 1.0)
    source = RecipeSource(features, summary, CONFIG)
    rows = np.concatenate([
        batch.text_rows[: batch.recipes]
        for _ in range(10)
        for batch in take_epoch(source)
    ])  # fmt: skip
    is_heavy = summary.dish[rows] == 0
    assert is_heavy.mean() == pytest.approx(3 / 10, abs=0.03)  # 3 of 3 + 7 dishes


def test_recipes_of_a_dish_stand_together_in_runs(
    world: SimpleNamespace, features: FeatureSet
) -> None:
    config = CONFIG.model_copy(update={"anchors_per_dish": 11, "anchors_per_batch": 11})
    for batch in take_epoch(make_source(world, features, config)):
        assert len(np.unique(world.dish[batch.text_rows[: batch.recipes]])) == 1


def test_parts_of_a_batch_are_its_items_in_order(
    world: SimpleNamespace, features: FeatureSet
) -> None:
    batch = make_source(world, features).take()
    parts = batch.split(3)
    assert np.array_equal(np.concatenate([part.mask for part in parts]), batch.mask)
    assert np.array_equal(np.concatenate([part.image_rows for part in parts]), batch.image_rows)


def test_names_the_recipes_of_a_batch(world: SimpleNamespace, features: FeatureSet) -> None:
    source = make_source(world, features)
    batch = source.take()
    assert world.recipe_ids[int(batch.text_rows[: batch.recipes].min())] in source.describe(batch)
    assert isinstance(batch.recipe, torch.Tensor)


def test_a_single_part_is_drawn_among_those_present() -> None:
    presence = np.array([[True, False, True, False], [False, False, False, True]] * 500)
    drawn = draw_single(presence, np.random.default_rng(0))
    assert (drawn.sum(axis=1) == 1).all()
    assert not (drawn & ~presence).any()
    assert drawn[::2, 0].mean() == pytest.approx(0.5, abs=0.07)
