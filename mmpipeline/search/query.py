"""What can be asked, and what is answered: plain frozen data, without torch or files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmpipeline.errors import QueryError
from mmpipeline.features.content import ingredient_name
from mmpipeline.schemas import Modality
from mmpipeline.text.normalize import fold_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Any mix of parts of a recipe.

    Attributes
    ----------
    title
        What it is called, in Korean or English.
    ingredients
        Names ("두부") or whole lines ("두부 1모").
    instructions
        Steps.
    image
        A photo, or where it lies.
    """

    title: str | None = None
    ingredients: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()
    image: bytes | Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One recipe of an answer.

    Attributes
    ----------
    rank
        From 1.
    score
        Cosine of the angle to the query, -1 to 1.
    dish
        Key of its dish; None when it has no label.
    image_path
        As stored; `DataLayout.resolve` gives the file.
    shared_ingredients
        Those of its ingredients that the query names too.
    """

    rank: int
    recipe_id: str
    score: float
    title: str | None
    dish: str | None
    language: str
    source: str
    url: str | None
    author: str | None
    image_path: str | None
    shared_ingredients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DishHit:
    """One dish of an answer.

    Attributes
    ----------
    rank
        From 1.
    score
        Cosine of the angle between the query and the dish's prototype, -1 to 1.
    recipes
        How many recipes the prototype is the mean of.
    is_known
        Whether the model was trained on the dish; if not, it was only enrolled.
    """

    rank: int
    dish: str
    score: float
    name_ko: str | None
    name_en: str | None
    recipes: int
    is_known: bool

    @property
    def name(self) -> str | None:
        """What people call it: the Korean name where there is one, else the English one."""
        return self.name_ko or self.name_en


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """An answer.

    Attributes
    ----------
    version
        The index version that gave it.
    asked_with
        The parts of the query that could be used.
    items, dishes
        Best first.
    """

    version: str
    asked_with: tuple[Modality, ...]
    items: list[Hit]
    dishes: list[DishHit]


def check_k(k: int, available: int) -> int:
    """Return how many results to give.

    Parameters
    ----------
    k
        Asked for.
    available
        How many there are.

    Returns
    -------
    int
        The smaller of both.

    Raises
    ------
    QueryError
        If `k` is below 1.
    """
    if k < 1:
        raise QueryError(f"k = {k}: expected a number from 1 to {available} (the index's size)")
    return min(k, available)


def shared_ingredients(asked: Sequence[str], found: Sequence[str]) -> tuple[str, ...]:
    """Return those of the found ingredients that the asked ones name.

    Two names agree when the words of one are all among the words of the other: "돼지고기" and
    "돼지고기 앞다리살".

    Parameters
    ----------
    asked
        Names or whole lines of a query.
    found
        Names of a recipe's ingredients.

    Returns
    -------
    tuple of str
        In the recipe's order, each once.
    """
    wanted = [words for line in asked if (words := _words(ingredient_name(line)))]
    shared = [
        name
        for name in found
        if (words := _words(name)) and any(want <= words or words <= want for want in wanted)
    ]
    return tuple(dict.fromkeys(shared))


def _words(name: str) -> frozenset[str]:
    return frozenset(fold_text(name).split())
