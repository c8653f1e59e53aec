"""Answers to requests: what the index says, as response models.

The models read the index's own dataclasses by their attributes; here only what the index does not
know is added, such as the address of a photo.
"""

from dataclasses import fields
from typing import Any
from urllib.parse import quote

import numpy as np

from mmpipeline.errors import QueryError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import shared_ingredients
from mmpipeline.search.results import Hit, Item, SearchResult
from mmpipeline.serving.api.requests import SearchRequest
from mmpipeline.serving.api.response_models import (
    Choice,
    DishNames,
    FiltersAnswer,
    SearchAnswer,
    SubsetsAnswer,
    WholeItemAnswer,
)

MAX_TAGS = 200
"""Tags that are offered as filters, the most frequent ones; any other may be asked for as well."""


def answer_search(
    index: SearchIndex, query: SearchRequest, photo: bytes | None = None
) -> SearchAnswer:
    """Find recipes and dishes.

    Parameters
    ----------
    index
        What answers.
    query
        What is asked.
    photo
        What it is asked with as well.

    Returns
    -------
    SearchAnswer
        Best first.

    Raises
    ------
    QueryError
        If it cannot be answered.
    """
    result = _search(index, query, photo)
    liked = [name for recipe in query.like for name in index.item(recipe).ingredients]
    return SearchAnswer(
        version=result.version,
        asked_with=result.asked_with,
        verdict=result.verdict,
        items=[
            _show(
                index,
                hit,
                carried_by=hit.carried_by,
                shared_ingredients=_shared(index, hit, liked),
            )
            for hit in result.items
        ],
        dishes=result.dishes,
    )


def answer_subsets(
    index: SearchIndex, query: SearchRequest, photo: bytes | None = None
) -> SubsetsAnswer:
    """Rank subsets of the data; parameters as for `answer_search`.

    Raises
    ------
    QueryError
        If it cannot be answered.
    """
    if query.vector is not None:
        raise QueryError("subsets are ranked for parts of a recipe; a vector can be asked /search")
    return SubsetsAnswer.model_validate(index.rank_subsets(query.to_search(photo), query.k))


def answer_item(index: SearchIndex, recipe_id: str) -> WholeItemAnswer:
    """Show one recipe; raises `NotFoundError` when it is not here."""
    item = index.item(recipe_id)
    return WholeItemAnswer.model_validate(_show(index, item, version=index.version))


def answer_filters(index: SearchIndex) -> FiltersAnswer:
    """Say what there is to filter by, the most frequent values first."""
    facets = {
        name: [Choice(value=value, recipes=count) for value, count in counts.items()]
        for name, counts in index.facets().items()
    }
    for choice in facets["dish"]:
        names = view_names(index, choice.value)
        choice.name = names.name_ko or names.name_en
    facets["tags"] = facets["tags"][:MAX_TAGS]
    return FiltersAnswer(version=index.version, **facets)


def view_names(index: SearchIndex, dish: str | None) -> DishNames:
    """Return what a dish is called; nothing for none."""
    name_ko, name_en = index.dish_names.get(dish or "", (None, None))
    return DishNames(name_ko=name_ko, name_en=name_en)


def _search(index: SearchIndex, query: SearchRequest, photo: bytes | None) -> SearchResult:
    filters = query.filters.to_filters()
    if query.vector is None:
        return index.search(query.to_search(photo), query.k, filters)
    if photo is not None or not query.is_empty or query.examples or query.minus:
        raise QueryError("a vector is asked with alone; leave out the other parts of the query")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused
        vector = np.array(query.vector, dtype=np.float32)
    return index.search_vector(vector, query.k, filters)


def _show(index: SearchIndex, recipe: Hit | Item, **more: object) -> dict[str, Any]:
    """Return what the index says of a recipe, with the names and addresses that are shown."""
    told = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    shown = {"dish_names": view_names(index, recipe.dish), "photo": _photo_address(recipe)}
    return told | shown | more


def _shared(index: SearchIndex, hit: Hit, liked: list[str]) -> tuple[str, ...]:
    """Return the ingredients that a hit shares with the query and the recipes it names."""
    if not liked:
        return hit.shared_ingredients
    of_liked = shared_ingredients(liked, index.item(hit.recipe_id).ingredients)
    return tuple(dict.fromkeys((*hit.shared_ingredients, *of_liked)))


def _photo_address(item: Hit | Item) -> str | None:
    if item.image_path is None:
        return None
    return f"/items/{quote(item.recipe_id, safe='')}/photo"
