"""The numbers behind one recipe: what it holds, says and shows, drawn from the known densities.

A recipe is a pure function of the seed and its index. Every purpose has its own random stream,
so that a further draw for photos never changes a title; growing the world adds recipes and
leaves all earlier ones as they are.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mmpipeline.arrays import BoolArray, Float64Array, Int64Array
from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.world.densities import MENTION_CHANCE, SECOND_CUE_CHANCE, World, world_of

LANGUAGE_OF_PARITY = ("ko", "en")
COPY_CHANCE = 0.01
_NO_INGREDIENTS_CHANCE, _NO_STEPS_CHANCE = 0.02, 0.03
_STREAMS = {"dish": 0, "draw": 1, "copy": 2, "words": 3, "photo": 4, "page": 5, "file": 6}


@dataclass(frozen=True)
class RecipeDraw:
    """The latents of one recipe.

    Attributes
    ----------
    origin
        Index of the recipe this one is copied from; its own index for all but copies.
    dish
        Row of `World.dishes`.
    included, mentioned
        I booleans: ingredients of the recipe; those of them that the steps mention.
    is_named, is_misspelt
        Whether the title names the dish, and whether it spells it wrong.
    cues
        One or two ingredients that the title speaks of, in order.
    taste, method
        Taste word and method word (a family) of the title.
    cook, signature
        Family of the cooking step; dish of the telling step, D for none.
    form, vessel, base, amounts
        What the photo shows: rows of `FORMS` and `VESSELS`; 3 colour values; K amounts.
    """

    index: int
    origin: int
    language: str
    dish: int
    included: BoolArray
    mentioned: BoolArray
    is_named: bool
    is_misspelt: bool
    cues: tuple[int, ...]
    taste: int
    method: int
    cook: int
    signature: int
    form: int
    vessel: int
    base: Float64Array
    amounts: Float64Array
    has_photo: bool
    has_ingredients: bool
    has_steps: bool


def random_stream(config: SampleConfig, index: int, purpose: str) -> np.random.Generator:
    """Return the random numbers that recipe `index` uses for one purpose.

    Parameters
    ----------
    config
        Gives the seed.
    index
        Which recipe.
    purpose
        One of dish, draw, copy, words, photo, page, file.

    Returns
    -------
    numpy.random.Generator
        The same stream at every call.
    """
    return np.random.default_rng([config.seed, index, _STREAMS[purpose]])


def draw_recipe(config: SampleConfig, index: int) -> RecipeDraw:
    """Draw the latents of one recipe, following it to its origin when it is a copy.

    Parameters
    ----------
    config
        The world.
    index
        Which recipe, from 0.

    Returns
    -------
    RecipeDraw
        The same values at every call, whatever `config.recipes` says.
    """
    return _draw(config, index, origin_of(config, index))


def origin_of(config: SampleConfig, index: int) -> int:
    """Return the index whose content recipe `index` copies; itself for all but copies."""
    position = index // 2
    random = random_stream(config, index, "copy")
    if position == 0 or random.random() >= COPY_CHANCE:
        return index
    return 2 * int(random.integers(0, position)) + index % 2


def dish_row(config: SampleConfig, index: int) -> int:
    """Return the dish of an original recipe: all dishes in turn, shuffled block by block."""
    block, position = divmod(index // 2, config.dishes)
    return int(_dish_order(config.seed, config.dishes, block, index % 2)[position])


@lru_cache(maxsize=64)
def _dish_order(seed: int, dishes: int, block: int, parity: int) -> Int64Array:
    return np.random.default_rng([seed, block, parity, 7]).permutation(dishes)


def _draw(config: SampleConfig, index: int, origin: int) -> RecipeDraw:
    world = world_of(config)
    random = random_stream(config, origin, "draw")
    dish = dish_row(config, origin)
    included = random.random(world.inclusion.shape[1]) < world.inclusion[dish]
    mentioned = included & (random.random(included.size) < MENTION_CHANCE)
    difficulty = config.difficulty
    is_named = bool(random.random() >= difficulty.unnamed_title_fraction)
    named_misspelt = difficulty.misspelt_title_fraction
    return RecipeDraw(
        index=index,
        origin=origin,
        language=LANGUAGE_OF_PARITY[index % 2],
        dish=dish,
        included=included,
        mentioned=mentioned,
        is_named=is_named,
        is_misspelt=bool(random.random() < named_misspelt) and is_named,
        cues=_draw_cues(random, world.cue[dish]),
        taste=_draw_one(random, world.taste[dish]),
        method=_draw_one(random, world.family[dish]),
        cook=_draw_one(random, world.family[dish]),
        signature=_draw_one(random, world.signature[dish]),
        form=_draw_one(random, world.form[dish]),
        vessel=_draw_one(random, world.vessel[dish]),
        base=world.base[dish] + world.base_spread * random.standard_normal(3),
        amounts=mean_amounts(world, dish, included)
        + world.amount_spread * random.standard_normal(world.always.shape[1]),
        has_photo=bool(random.random() >= difficulty.missing_photo_fraction),
        has_ingredients=bool(random.random() >= _NO_INGREDIENTS_CHANCE),
        has_steps=bool(random.random() >= _NO_STEPS_CHANCE),
    )


def mean_amounts(world: World, dish: int, included: BoolArray) -> Float64Array:
    """Return the mean amount of each photo component of a recipe of `dish`.

    Parameters
    ----------
    world
        The densities.
    dish
        Row of the dish.
    included
        I booleans, the recipe's ingredients: what is in it is what is seen.

    Returns
    -------
    numpy.ndarray
        K amounts.
    """
    seen = components_present(world, included)
    amounts: Float64Array = world.always[dish] + world.present[dish] * seen
    return amounts


def components_present(world: World, included: BoolArray) -> BoolArray:
    """Return K booleans: which components the ingredients of a recipe show."""
    seen = np.zeros(world.always.shape[1] + 1, dtype=bool)
    seen[world.component_of[included]] = True
    return seen[:-1]


def _draw_one(random: np.random.Generator, weights: Float64Array) -> int:
    ladder = np.cumsum(weights)
    return int(np.searchsorted(ladder, random.random() * ladder[-1], side="right"))


def _draw_cues(random: np.random.Generator, weights: Float64Array) -> tuple[int, ...]:
    first = _draw_one(random, weights)
    if random.random() >= SECOND_CUE_CHANCE:
        return (first,)
    rest = weights.copy()
    rest[first] = 0
    return first, _draw_one(random, rest)
