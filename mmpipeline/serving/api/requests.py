"""What may be asked over HTTP, as models: their JSON schema is the documentation.

Texts have bounds of their own here so that a schema says them; what depends on the service's
settings (k, all texts together) or on the index (length of a vector) is checked by the service.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from mmpipeline.config.serve import ServeConfig
from mmpipeline.search.query import Filters, Query
from mmpipeline.serving.http.errors import RefusedError

MAX_LINES = 300
MAX_EXAMPLES = 32

Part = Literal["image", "title", "ingredients", "instructions", "like", "examples", "minus"]

Text = Annotated[str, Field(max_length=20_000)]
Line = Annotated[str, Field(max_length=20_000)]
RecipeId = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Lines = Annotated[list[Line], Field(max_length=MAX_LINES)]
Ids = Annotated[list[RecipeId], Field(max_length=MAX_EXAMPLES)]
Names = Annotated[list[Name], Field(max_length=MAX_EXAMPLES)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FilterRequest(_Asked):
    """Which recipes may be answered; several values of one kind mean any of them."""

    language: Names = Field([], description="ko, en or other")
    source: Names = Field([], description="10k (만개의레시피) or r1m (Recipe1M)")
    dish: Names = Field([], description="keys of dishes, such as kimchi-jjigae")
    tags: Names = Field([], description="a recipe has all of them")

    def to_filters(self) -> Filters:
        """Return what the index takes."""
        return Filters(**{name: tuple(values) for name, values in self})


class PartsRequest(_Asked):
    """Any mix of parts of a recipe, and of recipes."""

    title: Text | None = Field(None, examples=["두부 김치찌개"])
    ingredients: Lines = Field([], description="names or whole lines", examples=[["두부 1모"]])
    instructions: Lines = Field([], description="cooking steps")
    like: Ids = Field([], description="ids of recipes: more like these")

    @property
    def text_chars(self) -> int:
        """Length of all texts together."""
        return sum(map(len, (self.title or "", *self.ingredients, *self.instructions)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked with."""
        return not (self.title or self.ingredients or self.instructions or self.like)

    def to_query(self) -> Query:
        """Return what the index takes."""
        return Query(
            title=self.title,
            ingredients=tuple(self.ingredients),
            instructions=tuple(self.instructions),
            like=tuple(self.like),
        )


class SearchRequest(PartsRequest):
    """Any mix of parts of a recipe, of recipes, or one vector; a photo comes as a form's file."""

    examples: Annotated[list[PartsRequest], Field(max_length=MAX_EXAMPLES)] = Field(
        [], description="several examples of what is looked for"
    )
    minus: PartsRequest | None = Field(None, description="what the answer should not be like")
    weights: dict[Part, Annotated[FiniteFloat, Field(ge=0, le=100)]] = Field(
        {}, description="how much each part counts; 1 where none is given"
    )
    vector: Annotated[list[FiniteFloat], Field(min_length=1, max_length=65_536)] | None = Field(
        None, description="of the index's dimension, instead of all else"
    )
    filters: FilterRequest = FilterRequest()
    k: int = Field(10, ge=1, description="how many recipes and dishes")

    @property
    def all_text_chars(self) -> int:
        """Length of all texts together, also those of examples and of what is unwanted."""
        parts = [self, *self.examples, *([self.minus] if self.minus else [])]
        return sum(part.text_chars for part in parts)

    def to_search(self, photo: bytes | None) -> Query:
        """Return what the index takes, with a photo."""
        return replace(
            self.to_query(),
            image=photo,
            examples=tuple(example.to_query() for example in self.examples),
            weights={str(part): weight for part, weight in self.weights.items()},
            minus=None if self.minus is None or self.minus.is_empty else self.minus.to_query(),
        )


def read_request(content: bytes | str, config: ServeConfig) -> SearchRequest:
    """Read a query from its JSON.

    Parameters
    ----------
    content
        The JSON text.
    config
        Limits.

    Returns
    -------
    SearchRequest
        Within all limits.

    Raises
    ------
    RefusedError
        With status 422 and what is wrong where.
    """
    try:
        request = SearchRequest.model_validate_json(content)
    except ValidationError as error:
        raise RefusedError(422, "invalid", _describe(error)) from error
    if request.k > config.max_k:
        raise RefusedError(
            422, "invalid", f"k = {request.k}: expected a number from 1 to {config.max_k}"
        )
    if request.all_text_chars > config.max_text_chars:
        raise RefusedError(
            422,
            "invalid",
            f"texts of {request.all_text_chars:,} characters: at most "
            f"{config.max_text_chars:,} are read",
        )
    return request


def _describe(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'the query'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = len(problems) - 3
    return "; ".join(problems[:3]) + (f"; and {more} more" if more > 0 else "")
