"""Dishes of the sample world: families of look-alikes, ingredients and their wordings.

The words lie in `dishes.toml` and `ingredients.toml`, so that a dish can be added without
touching code. Both files are read once a process.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

Wordings = Mapping[str, tuple[str, ...]]
"""Ways to say one thing, by language (``ko``, ``en``)."""


@dataclass(frozen=True)
class IngredientSpec:
    """One ingredient.

    Attributes
    ----------
    words
        Ways to write it, by language.
    kind
        Key of `Pantry.amounts`; ``spoon`` and ``pinch`` are seasonings.
    component
        What it shows in a photo (key of `Pantry.components`); None when unseen.
    """

    key: str
    words: Wordings
    kind: str
    component: str | None

    @property
    def is_seasoning(self) -> bool:
        """Whether it belongs to the sauce and not to the main ingredients."""
        return self.kind in {"spoon", "pinch"}


@dataclass(frozen=True)
class ComponentSpec:
    """One thing seen in photos.

    Attributes
    ----------
    shape
        A shape that `painting` can draw.
    colour
        Red, green, blue; 0..255.
    size
        Share of the food's radius.
    pieces
        Number of pieces at amount 1.
    """

    key: str
    shape: str
    colour: tuple[int, int, int]
    size: float
    pieces: int


@dataclass(frozen=True)
class Family:
    """Dishes that look and taste alike; they share ingredients, title words and steps."""

    key: str
    form: str
    vessel: str
    methods: Wordings
    ingredients: Mapping[str, float]
    cook: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Dish:
    """One dish in both languages.

    Attributes
    ----------
    names, misspelt
        Proper names and wrong spellings, by language; no string belongs to two dishes.
    categories
        The site's codes, by parameter: ``{"cat1": "1", ...}``.
    ingredients
        Chance of each ingredient, by key; the family's are included.
    own
        Keys of the ingredients that the family does not share.
    base
        Main colour, red, green, blue; 0..255.
    form
        How the food lies, such as ``soup`` or ``disc``.
    show
        Amounts of photo components that are always there.
    tastes
        Keys of `Pantry.tastes`, most typical first.
    signature
        A step that gives the dish away, by language.
    """

    key: str
    family: str
    names: Wordings
    misspelt: Wordings
    categories: Mapping[str, str]
    ingredients: Mapping[str, float]
    own: frozenset[str]
    base: tuple[int, int, int]
    form: str
    show: Mapping[str, float]
    tastes: tuple[str, ...]
    signature: Mapping[str, str]


@dataclass(frozen=True)
class Pantry:
    """Everything that recipes are made from."""

    dishes: tuple[Dish, ...]
    families: Mapping[str, Family]
    ingredients: tuple[IngredientSpec, ...]
    amounts: Mapping[str, Wordings]
    components: tuple[ComponentSpec, ...]
    tastes: Mapping[str, Wordings]


@lru_cache(maxsize=1)
def load_pantry() -> Pantry:
    """Read the two word files.

    Returns
    -------
    Pantry
        All dishes and what they are made from, in the order of the files.
    """
    words = _read_toml("dishes.toml")
    stock = _read_toml("ingredients.toml")
    families = {key: _family(key, entry) for key, entry in words["families"].items()}
    return Pantry(
        dishes=tuple(
            _dish(key, entry, families[entry["family"]]) for key, entry in words["dishes"].items()
        ),
        families=families,
        ingredients=tuple(
            IngredientSpec(key, _wordings(entry), entry[2], entry[3] or None)
            for key, entry in stock["ingredients"].items()
        ),
        amounts={kind: _wordings(entry) for kind, entry in stock["amounts"].items()},
        components=tuple(
            ComponentSpec(key, entry[0], _colour(entry[1]), entry[2], entry[3])
            for key, entry in words["components"].items()
        ),
        tastes={key: _wordings(entry) for key, entry in words["tastes"].items()},
    )


def load_dishes(count: int | None = None) -> tuple[Dish, ...]:
    """Return the first `count` dishes, or all of them.

    Parameters
    ----------
    count
        How many; None for all sixty.

    Returns
    -------
    tuple of Dish
        In the order of the file: families lie together.
    """
    return load_pantry().dishes[:count]


def _read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _wordings(entry: list[str]) -> Wordings:
    return {"ko": tuple(entry[0].split("|")), "en": tuple(entry[1].split("|"))}


def _numbers(text: str) -> dict[str, float]:
    parts = text.split()
    return {key: float(value) for key, value in zip(parts[::2], parts[1::2], strict=True)}


def _colour(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _family(key: str, entry: dict[str, Any]) -> Family:
    return Family(
        key=key,
        form=entry["form"],
        vessel=entry["vessel"],
        methods=_wordings(entry["methods"][0]),
        ingredients=_numbers(entry["ingredients"]),
        cook=tuple({"ko": korean, "en": english} for korean, english in entry["cook"]),
    )


def _dish(key: str, entry: dict[str, Any], family: Family) -> Dish:
    own = _numbers(entry["ingredients"])
    return Dish(
        key=key,
        family=family.key,
        names=_wordings([entry["ko"], entry["en"]]),
        misspelt=_wordings([entry["ko_misspelt"], entry["en_misspelt"]]),
        categories=dict(zip(("cat1", "cat2", "cat3", "cat4"), entry["cat"].split(), strict=True)),
        ingredients={**family.ingredients, **own},
        own=frozenset(own) - frozenset(family.ingredients),
        base=_colour(entry["base"]),
        form=entry.get("form", family.form),
        show=_numbers(entry.get("show", "")),
        tastes=tuple(entry["taste"].split()),
        signature={"ko": entry["sign"][0], "en": entry["sign"][1]},
    )
