"""Habits of a cook: words, sentences, table and light that come back with every dish.

Recipes of one cook are alike in all their parts, whatever the dish, as on real sites; so the
nearest recipe in raw numbers is often one of the same hand. Cooks are drawn without a look at the
dish, which leaves the oracle's bound as it is, and a learner can find out what to overlook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from mmpipeline.config.sample import SampleConfig

COOKS = 60
_FAVOURITES = 64
_Option = TypeVar("_Option")


@dataclass(frozen=True, slots=True)
class Habits:
    """Favourites of one cook.

    Attributes
    ----------
    cook
        Number of the cook.
    strength
        0..1, how often a favourite is taken and not anything else.
    places
        Numbers 0..1 that favourites follow from, one a kind of choice.
    """

    cook: int
    strength: float
    places: tuple[float, ...]

    def choose(self, random: np.random.Generator, options: Sequence[_Option], kind: int) -> _Option:
        """Choose what the cook mostly takes, or any option.

        Parameters
        ----------
        random
            Stream of the recipe.
        options
            What there is.
        kind
            Which choice it is; each of 64 has a favourite of its own.

        Returns
        -------
        object
            One of the options.
        """
        return options[int(self.place(random, kind) * len(options))]

    def place(self, random: np.random.Generator, kind: int) -> float:
        """Return a number in 0..1 to choose by: mostly the cook's own for this kind of choice."""
        is_habit = random.random() < self.strength
        return self.places[kind % _FAVOURITES] if is_habit else random.random()


def habits_of(config: SampleConfig, index: int) -> Habits:
    """Return the habits of the cook of an original recipe.

    Parameters
    ----------
    config
        Seed and difficulty.
    index
        Which recipe.

    Returns
    -------
    Habits
        The same for all recipes of a cook.
    """
    return _habits(config.seed, cook_of(config, index), config.difficulty.habits)


def cook_of(config: SampleConfig, index: int) -> int:
    """Return the number of the cook who wrote a recipe, below `COOKS`."""
    return int(np.random.default_rng([config.seed, index, 9]).integers(COOKS))


def setting_stream(
    config: SampleConfig, habits: Habits, shot: np.random.Generator
) -> np.random.Generator:
    """Return the random numbers for table, ware and light: the cook's own, or those of the shot."""
    at_home = shot.random() < habits.strength
    return np.random.default_rng([config.seed, habits.cook, 10]) if at_home else shot


@lru_cache(maxsize=1024)
def _habits(seed: int, cook: int, strength: float) -> Habits:
    places = np.random.default_rng([seed, cook, 11]).random(_FAVOURITES)
    return Habits(cook, strength, tuple(map(float, places)))
