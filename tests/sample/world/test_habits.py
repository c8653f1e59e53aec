"""Cooks: the same habits in all their recipes, whatever the dish, as strong as the config says."""

from collections import defaultdict

import numpy as np
import pytest

from mmpipeline.config import DifficultyConfig, SampleConfig
from mmpipeline.sample import recipe_at
from mmpipeline.sample.world.habits import COOKS, Habits, cook_of, habits_of, setting_stream

CONFIG = SampleConfig()


def test_every_cook_writes_and_cooks_are_independent_of_the_dish() -> None:
    cooks = [cook_of(CONFIG, index) for index in range(3000)]
    assert set(cooks) == set(range(COOKS))
    dishes: dict[int, set[str]] = defaultdict(set)
    for index in range(1500):
        dishes[cooks[index]].add(recipe_at(CONFIG, index).dish)
    assert min(map(len, dishes.values())) >= 8


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_a_favourite_is_taken_as_often_as_the_strength_says(strength: float) -> None:
    config = SampleConfig(difficulty=DifficultyConfig(habits=strength))
    habits = habits_of(config, 4)
    options = tuple(range(1000))
    favourite = Habits(habits.cook, 1.0, habits.places).choose(np.random.default_rng(0), options, 3)
    random = np.random.default_rng(1)
    chosen = [habits.choose(random, options, 3) for _ in range(600)]
    assert np.mean(np.array(chosen) == favourite) == pytest.approx(strength, abs=0.06)


def test_recipes_of_a_cook_share_habits_and_table() -> None:
    same = [index for index in range(400) if cook_of(CONFIG, index) == cook_of(CONFIG, 0)]
    habits = [habits_of(CONFIG, index) for index in same]
    assert len(habits) > 2
    assert len(set(habits)) == 1
    always = Habits(habits[0].cook, 1.0, habits[0].places)
    tables = {setting_stream(CONFIG, always, np.random.default_rng(i)).random() for i in range(5)}
    never = Habits(habits[0].cook, 0.0, habits[0].places)
    others = {setting_stream(CONFIG, never, np.random.default_rng(i)).random() for i in range(5)}
    assert (len(tables), len(others)) == (1, 5)
