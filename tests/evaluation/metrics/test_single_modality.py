from types import SimpleNamespace

import numpy as np
import torch

from mmpipeline.evaluation.metrics.single_modality import SingleModality
from mmpipeline.evaluation.suite.held_out import load_held_out
from mmpipeline.features.feature_set import FeatureSet


def fit(
    world: SimpleNamespace, rows: np.ndarray | None = None
) -> tuple[SingleModality, np.ndarray]:
    features = FeatureSet.open(world.features)
    held_out = load_held_out(world.catalog, features)
    if rows is None:
        rows = np.flatnonzero(held_out.is_train & (held_out.dish >= 0))
    return SingleModality(features, "image", rows, held_out.dish), held_out.dish


def test_names_the_dish_of_recipes_it_did_not_learn_from(world: SimpleNamespace) -> None:
    model, dish = fit(world)
    assert model.dishes.tolist() == [0, 1, 2, 3, 4, 5]  # the known ones
    asked = np.array([row for row in range(60) if row % 10 in {7, 8} and row % 7])
    scores = model.vectors(asked, np.ones((len(asked), 4), dtype=np.bool_))
    right = scores.argmax(dim=1).numpy() == dish[asked]
    assert right.mean() > 0.6  # chance is one sixth
    assert torch.allclose(scores.norm(dim=1), torch.ones(len(asked)))


def test_what_does_not_show_the_modality_scores_nothing(world: SimpleNamespace) -> None:
    model, _ = fit(world)
    assert not model.vectors(np.array([8]), np.array([[False, True, True, True]])).any()


def test_equals_ridge_regression_solved_the_other_way(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    held_out = load_held_out(world.catalog, features)
    rows = np.flatnonzero(held_out.is_train & (held_out.dish >= 0) & features.presence[:, 0])
    model, dish = fit(world)
    values = features.matrix("image")[rows].astype(np.float64)
    deviation = values.std(axis=0)
    floor = 0.1 * np.sqrt(np.square(deviation).mean())
    values = (values - values.mean(axis=0)) / np.maximum(deviation, floor)
    target = (dish[rows][:, None] == model.dishes).astype(float)
    ridge = 0.1 * np.square(values).sum() / min(values.shape)
    weights = np.linalg.solve(
        values.T @ values + ridge * np.eye(values.shape[1]),
        values.T @ (target - target.mean(axis=0)),
    )
    scores = values @ weights
    scores /= np.linalg.norm(scores, axis=1, keepdims=True)
    ours = model.vectors(rows, np.ones((len(rows), 4), dtype=np.bool_)).numpy()
    assert np.allclose(ours, scores, atol=1e-4)


def test_nothing_to_learn_from_scores_nothing(world: SimpleNamespace) -> None:
    model, _ = fit(world, rows=np.empty(0, dtype=np.int64))
    assert model.vectors(np.array([8]), np.ones((1, 4), dtype=np.bool_)).shape == (1, 0)


def test_modalities_score_for_the_same_dishes_whatever_their_recipes_show(
    world: SimpleNamespace,
) -> None:
    features = FeatureSet.open(world.features)
    held_out = load_held_out(world.catalog, features)
    labelled = np.flatnonzero(held_out.is_train & (held_out.dish >= 0))
    without_photo = ~features.presence[labelled, 0]
    dish = np.where(np.isin(np.arange(len(held_out.dish)), labelled[without_photo]), 9, -1)
    dish[labelled[~without_photo]] = held_out.dish[labelled[~without_photo]]
    models = [SingleModality(features, part, labelled, dish) for part in ("image", "title")]
    assert without_photo.any()
    assert models[0].dishes.tolist() == models[1].dishes.tolist() == [0, 1, 2, 3, 4, 5, 9]


def test_a_modality_that_training_never_shows_says_nothing(world: SimpleNamespace) -> None:
    model, dish = fit(world, np.array([7, 14, 21]))  # they have no photo
    scores = model.vectors(np.array([1, 2]), np.ones((2, 4), dtype=np.bool_))
    assert scores.shape == (2, len(np.unique(dish[[7, 14, 21]])))
    assert not scores.any()


def test_one_recipe_teaches_nothing(world: SimpleNamespace) -> None:
    model, _ = fit(world, np.array([8]))
    assert not model.vectors(np.array([1, 8]), np.ones((2, 4), dtype=np.bool_)).any()
