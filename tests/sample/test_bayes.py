"""The Bayes bound: within bounds, in order, and hit by the difficulty."""

from dataclasses import replace

import numpy as np
import pytest

from mmpipeline.config import DifficultyConfig, SampleConfig
from mmpipeline.sample.bayes import _Likelihoods, oracle_bound
from mmpipeline.sample.world.densities import UNSEEN, world_of
from mmpipeline.sample.world.draws import draw_recipe

CONFIG = SampleConfig()


def bound(**difficulty: float) -> dict[str, float]:
    config = CONFIG.model_copy(update={"difficulty": DifficultyConfig(**difficulty)})
    return oracle_bound(config, 400)


def test_bound_of_the_default_world() -> None:
    figures = oracle_bound(CONFIG, 600)
    assert set(figures) == {"title", "ingredients", "instructions", "image", "all"}
    assert all(0 <= value <= 1 for value in figures.values())
    assert figures["all"] >= 0.99
    assert figures["all"] >= max(figures.values())
    assert 0.85 < figures["title"] < 0.99


def test_title_bound_falls_with_unnamed_titles() -> None:
    assert bound(unnamed_title_fraction=0.0)["title"] == 1
    assert bound(unnamed_title_fraction=1.0)["title"] < bound(unnamed_title_fraction=0.3)["title"]


def test_image_bound_falls_with_pull_and_jitter() -> None:
    easy = bound(look_alike_pull=0.0, photo_jitter=0.0)["image"]
    hard = bound(look_alike_pull=1.0, photo_jitter=1.0)["image"]
    assert easy > 0.97
    assert hard < easy - 0.2


def test_ingredient_bound_falls_with_noise() -> None:
    assert bound(ingredient_noise=1.0)["ingredients"] < bound(ingredient_noise=0.0)["ingredients"]


def test_an_amount_that_is_not_drawn_tells_nothing_more() -> None:
    likelihoods = _Likelihoods.of(world_of(CONFIG))
    draw = next(found for index in range(99) if (found := draw_recipe(CONFIG, index)).has_photo)
    hidden = draw.amounts < UNSEEN - 0.1
    assert hidden.any()
    assert not hidden.all()
    fewer = replace(draw, amounts=np.where(hidden, draw.amounts - 5, draw.amounts))
    assert np.array_equal(likelihoods.amounts(draw), likelihoods.amounts(fewer))
    more = replace(draw, amounts=np.where(hidden, 1.0, draw.amounts))
    assert not np.allclose(likelihoods.amounts(draw), likelihoods.amounts(more))


def test_chances_of_all_numbers_of_pieces_add_up() -> None:
    tables = _Likelihoods.of(world_of(CONFIG))
    for table in (tables.log_pieces, tables.log_pieces_beside):
        np.testing.assert_allclose(np.exp(table).sum(axis=0), 1, atol=1e-9)


def test_two_dishes_that_share_nothing_are_told_apart() -> None:
    config = CONFIG.model_copy(update={"dishes": 2})
    assert oracle_bound(config, 200)["all"] == pytest.approx(1, abs=0.01)
