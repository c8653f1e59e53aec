"""The query: plain frozen data, without torch or files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from mmpipeline.errors import QueryError
from mmpipeline.features.content import ingredient_name
from mmpipeline.schemas import MODALITIES
from mmpipeline.text.normalize import fold_text

MAX_EXAMPLES = 32
PARTS = (*MODALITIES, "like", "examples", "minus")
"""What a weight can be given to, and what an explanation divides a score among."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Any mix of parts of a recipe, other recipes, and what it should not be like.

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
    like
        Ids of recipes of the index: "like this one". They are no answer to it themselves.
    examples
        Further queries, each an example of what is looked for; without examples of their own.
    weights
        By name of a part (`PARTS`), how much it counts, 0 or more; a part not named counts 1.
    minus
        What the answers should not be like: "like this, without that".
    """

    title: str | None = None
    ingredients: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()
    image: bytes | Path | None = None
    like: tuple[str, ...] = ()
    examples: "tuple[Query, ...]" = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    minus: "Query | None" = None

    @property
    def named(self) -> tuple[str, ...]:
        """Ids of the recipes that it names, which whoever asks knows already."""
        inner = (*self.examples, *((self.minus,) if self.minus else ()))
        return tuple(dict.fromkeys((*self.like, *(name for part in inner for name in part.like))))

    def weight(self, part: str) -> float:
        """Return how much a part counts."""
        return float(self.weights.get(part, 1.0))

    def check(self, *, nested: bool = False) -> None:
        """Refuse what makes no sense before any work is done.

        Parameters
        ----------
        nested
            Whether this is an example or a minus of another query.

        Raises
        ------
        QueryError
            If a weight is unknown, negative or not finite, there are too many examples, or an
            example holds examples or a minus of its own.
        """
        _check_weights(self.weights)
        if len(self.like) > MAX_EXAMPLES or len(self.examples) > MAX_EXAMPLES:
            raise QueryError(f"too many examples: expected at most {MAX_EXAMPLES} of each kind")
        if nested and (self.examples or self.minus):
            raise QueryError("an example or a minus cannot hold examples or a minus of its own")
        for part_query in (*self.examples, *((self.minus,) if self.minus else ())):
            part_query.check(nested=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an answer must be. Fields hold together; an empty field lets everything pass.

    Attributes
    ----------
    language
        ``ko``, ``en`` or ``other``; any of them.
    source
        ``10k`` or ``r1m``; any of them.
    dish
        Keys of dishes; any of them.
    tags
        All of them.
    """

    language: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    dish: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything is demanded at all."""
        return bool(self.language or self.source or self.dish or self.tags)


def _check_weights(weights: Mapping[str, float]) -> None:
    for part, weight in weights.items():
        if part not in PARTS:
            raise QueryError(f"weight for {part!r}: expected one of {', '.join(PARTS)}")
        if not (isfinite(weight) and weight >= 0):
            raise QueryError(f"weight {weight} for {part}: expected a number of 0 or more")


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
