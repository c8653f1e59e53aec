"""The search results: plain frozen data, without torch or files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SubsetKind = Literal["dish", "named", "enrolled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One recipe of the index, as it is shown.

    Attributes
    ----------
    dish
        Key of its dish; None when it has no label.
    author, url
        Whom to credit, and where the recipe stands.
    image_path
        As stored; `DataLayout.resolve` gives the file.
    ingredients
        Names.
    """

    recipe_id: str
    title: str | None
    dish: str | None
    language: str
    source: str
    url: str | None
    author: str | None
    image_path: str | None
    ingredients: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One recipe of an answer.

    Attributes
    ----------
    rank
        From 1.
    score
        Cosine of the angle to the query, -1 to 1; of those too close to tell apart, the best one's.
    probability
        That it is of the dish that was asked for, as fitted on validation recipes when the index
        was published; None where there was nothing to fit.
    contributions
        By part of the query, what it brought to the score; they add up to it.
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
    probability: float | None = None
    contributions: Mapping[str, float]
    title: str | None
    dish: str | None
    language: str
    source: str
    url: str | None
    author: str | None
    image_path: str | None
    tags: tuple[str, ...] = ()
    shared_ingredients: tuple[str, ...]

    @property
    def carried_by(self) -> str | None:
        """The part of the query that brought most to the score; None where no part is told."""
        return max(self.contributions, key=lambda part: self.contributions[part], default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DishHit:
    """One dish of an answer.

    Attributes
    ----------
    rank
        From 1.
    score
        Cosine of the angle between the query and the dish's prototype, -1 to 1.
    probability
        That it is the dish that was asked for; None where there was nothing to fit.
    recipes
        How many recipes the prototype is the mean of.
    is_known
        Whether the model was trained on the dish; if not, it was only enrolled.
    """

    rank: int
    dish: str
    score: float
    probability: float | None = None
    name_ko: str | None
    name_en: str | None
    recipes: int
    is_known: bool

    @property
    def name(self) -> str | None:
        """What people call it: the Korean name where there is one, else the English one."""
        return self.name_ko or self.name_en


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetHit:
    """One subset of the data, ranked by nearness to a query.

    Attributes
    ----------
    rank
        From 1.
    subset
        Key of the dish, name of the named subset, or name of the enrolled class.
    kind
        ``dish``, ``named`` (given as SQL over the catalogue) or ``enrolled`` (from examples).
    score
        Of the query against the subset's prototype; greater is nearer.
    items
        How many recipes of the index belong to it.
    name
        What people call it, where that differs.
    """

    rank: int
    subset: str
    kind: SubsetKind
    score: float
    items: int
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the index holds anything like what was asked for.

    Attributes
    ----------
    is_confident
        False says "nothing like this here"; None: the index was published without held-out
        recipes to choose a threshold on.
    best_score
        Of the nearest recipe of the whole index; NaN when there is none.
    threshold
        Least score to be confident; chosen on held-out recipes for queries of these parts.
    """

    is_confident: bool | None
    best_score: float
    threshold: float | None

    @property
    def text(self) -> str:
        """The verdict in words; empty when there is nothing to warn of."""
        return "nothing like this here" if self.is_confident is False else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """An answer.

    Attributes
    ----------
    version
        The index version that gave it.
    asked_with
        The parts of the query that could be used.
    verdict
        Whether there is anything like it here at all.
    items, dishes
        Best first.
    """

    version: str
    asked_with: tuple[str, ...]
    verdict: Verdict
    items: list[Hit]
    dishes: list[DishHit]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetRanking:
    """Subsets of the data in the order of their nearness to a query, best first."""

    version: str
    asked_with: tuple[str, ...]
    subsets: list[SubsetHit]
