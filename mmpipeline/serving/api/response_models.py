"""Response models, whose JSON schema is the documentation.

They are read from the attributes of the index's own dataclasses (`search.results`), so a field that
is both found and shown is named here alone.
"""

from math import isfinite

from pydantic import BaseModel, ConfigDict, Field, field_validator


class DishNames(BaseModel):
    """What a dish is called."""

    name_ko: str | None = Field(None, examples=["김치찌개"])
    name_en: str | None = Field(None, examples=["kimchi stew"])


class ItemAnswer(BaseModel):
    """One recipe, as far as it is shown: its credit and its link, not its text."""

    recipe_id: str = Field(examples=["10k:6915443"])
    title: str | None
    dish: str | None = Field(description="key of its dish; null when it has no label")
    dish_names: DishNames
    language: str
    source: str
    url: str | None = Field(description="of the original")
    author: str | None
    photo: str | None = Field(description="address of its photo here; takes ?size=320 or 960")


class WholeItemAnswer(ItemAnswer):
    """One recipe with its ingredients."""

    version: str = Field(description="the index version that holds it")
    ingredients: list[str]
    tags: list[str]


class HitAnswer(ItemAnswer):
    """One recipe of an answer."""

    rank: int
    score: float = Field(description="cosine of the angle to the query, -1 to 1")
    shared_ingredients: list[str]
    tags: list[str]
    probability: float | None = Field(
        description="calibrated chance that it is of the dish asked for; null: not known"
    )
    contributions: dict[str, float] = Field(
        description="what each part of the query brought to the score; they add up to it"
    )
    carried_by: str | None = Field(description="the part that brought most")


class DishAnswer(DishNames):
    """One dish, or another subset of the data, of an answer."""

    model_config = ConfigDict(from_attributes=True)

    rank: int
    dish: str
    score: float = Field(description="cosine of the angle to its prototype, -1 to 1")
    recipes: int = Field(description="how many its prototype is the mean of")
    probability: float | None = Field(
        description="calibrated chance that it is the dish asked for; null: not known"
    )
    is_known: bool = Field(description="whether the model was trained on it")


class VerdictAnswer(BaseModel):
    """Whether there is anything like it here at all."""

    model_config = ConfigDict(from_attributes=True)

    is_confident: bool | None = Field(
        description="false: nothing like this here; null: there was nothing to judge by"
    )
    best_score: float | None = Field(description="of the nearest recipe of the whole index")
    threshold: float | None = Field(description="least score to be confident")
    text: str = Field(description="empty when there is nothing to warn of")

    @field_validator("best_score", mode="before")
    @classmethod
    def _leave_out(cls, score: float | None) -> float | None:
        """JSON knows no NaN, which is the score where there is nothing."""
        return score if score is not None and isfinite(score) else None


class SubsetAnswer(BaseModel):
    """One subset of the data: a dish, a named subset, or a class enrolled from examples."""

    model_config = ConfigDict(from_attributes=True)

    rank: int
    subset: str
    kind: str = Field(description="dish, named or enrolled")
    name: str | None
    score: float = Field(description="of the query against its prototype")
    items: int = Field(description="recipes that belong to it")


class SubsetsAnswer(BaseModel):
    """Subsets of the data, nearest first."""

    model_config = ConfigDict(from_attributes=True)

    version: str = Field(description="the index version that answered")
    asked_with: list[str] = Field(description="the parts of the query that could be used")
    subsets: list[SubsetAnswer]


class SearchAnswer(BaseModel):
    """Recipes and dishes, nearest first."""

    version: str = Field(description="the index version that answered")
    asked_with: list[str] = Field(description="the parts of the query that could be used")
    verdict: VerdictAnswer
    items: list[HitAnswer]
    dishes: list[DishAnswer]


class Choice(BaseModel):
    """A value that a filter can take."""

    value: str
    name: str | None = Field(None, description="what people call it, where that differs")
    recipes: int


class FiltersAnswer(BaseModel):
    """What there is to filter by."""

    version: str
    language: list[Choice]
    source: list[Choice]
    dish: list[Choice]
    tags: list[Choice]


class VersionAnswer(BaseModel):
    """What is running."""

    mmpipeline: str = Field(description="version of the package")
    index: str = Field(description="index version that answers")
    items: int
    dishes: int
    embedding_dim: int = Field(description="length that a query vector has to have")


class HealthAnswer(BaseModel):
    """Whether the process is alive, and what goes wrong while it serves."""

    status: str = Field(examples=["ok"])
    index: str | None = Field(description="index version that answers; null: none is loaded")
    problem: str | None = Field(description="why a newer version is not served")


class ReadyAnswer(BaseModel):
    """Whether questions are answered."""

    index: str


class MapPoints(BaseModel):
    """Points, column by column."""

    ids: list[str]
    titles: list[str | None]
    has_photo: list[bool]
    x: list[float] = Field(description="0 to 1")
    y: list[float] = Field(description="0 to 1")
    dish: list[int] = Field(description="place in `dishes`; -1: no label")


class MapDish(DishNames):
    """A dish of the map."""

    dish: str
    points: int


class MapAnswer(BaseModel):
    """The recipes on a plane, or word that it is being drawn."""

    version: str
    state: str = Field(description="ready or drawing", examples=["ready"])
    recipes: int = Field(description="in the index; the map may show a sample")
    points: MapPoints | None = None
    dishes: list[MapDish] = []
