"""The known probability densities that every recipe of the sample world is drawn from.

Recipes are drawn from these tables (`draws`) and the oracle inverts the very same tables
(`oracle`), so that the Bayes bound is exact. All difficulty enters here: as noise on the
ingredients, as spread of the looks, and as a pull of look-alike dishes towards each other.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mmpipeline.arrays import Float64Array, Int64Array
from mmpipeline.config.sample import DifficultyConfig, SampleConfig
from mmpipeline.sample.world.dishes import Dish, Pantry, load_pantry

FORMS = ("soup", "mound", "disc", "rows", "rings", "strands", "chunks", "slices")
VESSELS = ("pot", "bowl", "plate", "pan", "dish")
SECOND_CUE_CHANCE = 0.75
"""Chance that a title speaks of a second ingredient."""
MENTION_CHANCE = 0.85
"""Chance that the steps mention an ingredient of the recipe."""
MAX_PIECES = 40
"""Most pieces of one component that a photo shows."""
UNSEEN = 0.25
"""Amount below which a component is not drawn."""

_FOREIGN_TRIES = 4
_SHARPNESS = 3.0
_DISCRETE_TRUST = 0.98
_OWN_SIGNATURE, _SIBLING_SIGNATURE = 0.8, 0.08
_OWN_CUE, _SHARED_CUE, _STRAY_CUE = 2.5, 0.6, 0.04
_NO_CUE = frozenset({"water", "oil", "salt", "pepper", "garlic", "sugar", "scallion", "onion"})
STAPLES = frozenset(
    {"salt", "pepper", "sugar", "oil", "sesame-oil", "sesame", "garlic", "soy-sauce", "water"}
    | {"scallion", "onion", "cooking-wine", "vinegar", "butter"}
)
"""What any cook may put into anything."""
_BASE_SPREAD, _AMOUNT_SPREAD = 0.04, 0.22
_OWN_AMOUNT, _SHARED_AMOUNT = 2.0, 0.25
_INGREDIENT_PULL = 0.15


@dataclass(frozen=True)
class World:
    """Densities given the dish; D dishes, I ingredients, F families, K photo components.

    Attributes
    ----------
    inclusion
        D x I, chance that the recipe holds the ingredient (independent Bernoulli draws).
    cue
        D x I, rows sum to 1: ingredient words of the title.
    taste
        D x T, rows sum to 1: taste words of the title.
    family
        D x F, rows sum to 1: method words of the title; cooking steps of the instructions.
    signature
        D x (D + 1), rows sum to 1: whose telling step is in the instructions; last: none.
    form, vessel
        D x forms, D x vessels, rows sum to 1: how the food lies, and in what.
    base
        D x 3, mean main colour, share of full scale.
    always, present
        D x K, mean amount of a component by itself, and what its ingredients add.
    component_of
        I, the component an ingredient shows, -1 for none.
    base_spread, amount_spread
        Standard deviations of the main colour and of the amounts.
    """

    dishes: tuple[Dish, ...]
    inclusion: Float64Array
    cue: Float64Array
    taste: Float64Array
    family: Float64Array
    signature: Float64Array
    form: Float64Array
    vessel: Float64Array
    base: Float64Array
    always: Float64Array
    present: Float64Array
    component_of: Int64Array
    base_spread: float
    amount_spread: float


def world_of(config: SampleConfig) -> World:
    """Return the densities that a config means; built once for each difficulty.

    Parameters
    ----------
    config
        The sample world; only `dishes` and `difficulty` matter here.

    Returns
    -------
    World
        All tables.
    """
    return _build_world(config.dishes, config.difficulty)


@lru_cache(maxsize=8)
def _build_world(count: int, difficulty: DifficultyConfig) -> World:
    pantry = load_pantry()
    dishes = pantry.dishes[:count]
    families = list(pantry.families)
    family_of = np.array([families.index(dish.family) for dish in dishes])
    pull = difficulty.look_alike_pull
    base = np.array([dish.base for dish in dishes], dtype=np.float64) / 255
    always, present = _amounts(pantry, dishes)
    spread = 0.25 + 1.5 * difficulty.photo_jitter
    chance = _ingredient_table(pantry, dishes)
    return World(
        dishes=dishes,
        inclusion=_inclusion(
            _pull(chance, family_of, _INGREDIENT_PULL * pull),
            _strays(pantry, difficulty),
        ),
        cue=_cues(pantry, dishes, chance),
        taste=_tastes(pantry, dishes),
        family=_categorical(family_of, len(families)),
        signature=_signatures(family_of),
        form=_categorical(np.array([FORMS.index(dish.form) for dish in dishes]), len(FORMS)),
        vessel=_categorical(
            np.array([VESSELS.index(pantry.families[dish.family].vessel) for dish in dishes]),
            len(VESSELS),
        ),
        base=_pull(base, family_of, pull),
        always=_pull(always, family_of, pull),
        present=_pull(present, family_of, pull),
        component_of=_component_of(pantry),
        base_spread=_BASE_SPREAD * spread,
        amount_spread=_AMOUNT_SPREAD * spread,
    )


def _ingredient_table(pantry: Pantry, dishes: tuple[Dish, ...]) -> Float64Array:
    """Return the chances of the word files, made more extreme: typical is typical, rare is rare."""
    chance = np.array([
        [dish.ingredients.get(spec.key, 0.0) for spec in pantry.ingredients] for dish in dishes
    ])
    likely = chance**_SHARPNESS
    sharpened: Float64Array = likely / (likely + (1 - chance) ** _SHARPNESS)
    return sharpened


def _pull(values: Float64Array, family_of: Int64Array, share: float) -> Float64Array:
    """Move every row towards the mean of its family by `share` of the way."""
    members = family_of[:, None] == family_of[None, :]
    means = members @ values / members.sum(axis=1, keepdims=True)
    pulled: Float64Array = (1 - share) * values + share * means
    return pulled


def _strays(pantry: Pantry, difficulty: DifficultyConfig) -> Float64Array:
    """Return the chance of each ingredient to come into any dish, whatever it is."""
    foreign = min(0.5, _FOREIGN_TRIES * difficulty.ingredient_noise / len(pantry.ingredients))
    return np.array([
        max(foreign, difficulty.staple_fraction) if spec.key in STAPLES else foreign
        for spec in pantry.ingredients
    ])


def _inclusion(chance: Float64Array, stray: Float64Array) -> Float64Array:
    table: Float64Array = np.clip(1 - (1 - chance) * (1 - stray), 1e-6, 1 - 1e-3)
    return table


def _cues(pantry: Pantry, dishes: tuple[Dish, ...], chance: Float64Array) -> Float64Array:
    usable = np.array([
        spec.key not in _NO_CUE and spec.kind not in {"pinch", "liquid"}
        for spec in pantry.ingredients
    ])
    own = np.array([[spec.key in dish.own for spec in pantry.ingredients] for dish in dishes])
    weight = chance**2 * np.where(own, _OWN_CUE, _SHARED_CUE) * usable
    weight /= weight.sum(axis=1, keepdims=True)
    table = (1 - _STRAY_CUE) * weight + _STRAY_CUE * usable / usable.sum()
    floored: Float64Array = np.maximum(table, 1e-12)
    return floored


def _tastes(pantry: Pantry, dishes: tuple[Dish, ...]) -> Float64Array:
    keys = list(pantry.tastes)
    table = np.full((len(dishes), len(keys)), 0.3 / len(keys))
    for row, dish in enumerate(dishes):
        for taste, share in zip(dish.tastes, (0.4, 0.3), strict=True):
            table[row, keys.index(taste)] += share
    shares: Float64Array = table / table.sum(axis=1, keepdims=True)
    return shares


def _categorical(own: Int64Array, count: int) -> Float64Array:
    table = np.full((len(own), count), (1 - _DISCRETE_TRUST) / count)
    table[np.arange(len(own)), own] += _DISCRETE_TRUST
    return table


def _signatures(family_of: Int64Array) -> Float64Array:
    count = len(family_of)
    siblings = (family_of[:, None] == family_of[None, :]) & ~np.eye(count, dtype=bool)
    share = _SIBLING_SIGNATURE / np.maximum(1, siblings.sum(axis=1, keepdims=True))
    table = np.zeros((count, count + 1))
    table[:, :count] = siblings * share + np.eye(count) * _OWN_SIGNATURE
    table[:, count] = 1 - table.sum(axis=1)
    return table


def _component_of(pantry: Pantry) -> Int64Array:
    keys = [component.key for component in pantry.components]
    return np.array([
        -1 if spec.component is None else keys.index(spec.component) for spec in pantry.ingredients
    ])


def _amounts(pantry: Pantry, dishes: tuple[Dish, ...]) -> tuple[Float64Array, Float64Array]:
    always = np.array([
        [dish.show.get(component.key, 0.0) for component in pantry.components] for dish in dishes
    ])
    present = np.full_like(always, _SHARED_AMOUNT)
    for row, dish in enumerate(dishes):
        for column, component in enumerate(pantry.components):
            shows = (spec.key for spec in pantry.ingredients if spec.component == component.key)
            if not dish.own.isdisjoint(shows):
                present[row, column] = _OWN_AMOUNT
    return always, present
