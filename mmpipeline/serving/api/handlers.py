"""Handlers of requests: from what was asked over HTTP to the index, and back."""

import math
from urllib.parse import quote

import numpy as np

from mmpipeline.errors import QueryError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import shared_ingredients
from mmpipeline.search.results import Hit, Item, SearchResult
from mmpipeline.serving.api.requests import SearchRequest
from mmpipeline.serving.api.response_models import (
    Choice,
    DishAnswer,
    DishNames,
    FiltersAnswer,
    HitAnswer,
    SearchAnswer,
    SubsetAnswer,
    SubsetsAnswer,
    VerdictAnswer,
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
        asked_with=list(result.asked_with),
        verdict=_view_verdict(result),
        items=[_view_hit(index, hit, liked) for hit in result.items],
        dishes=[
            DishAnswer(
                rank=dish.rank,
                dish=dish.dish,
                score=dish.score,
                probability=dish.probability,
                name_ko=dish.name_ko,
                name_en=dish.name_en,
                recipes=dish.recipes,
                is_known=dish.is_known,
            )
            for dish in result.dishes
        ],
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
    ranking = index.rank_subsets(query.to_search(photo), query.k)
    return SubsetsAnswer(
        version=ranking.version,
        asked_with=list(ranking.asked_with),
        subsets=[
            SubsetAnswer(
                rank=hit.rank,
                subset=hit.subset,
                kind=hit.kind,
                name=hit.name,
                score=hit.score,
                items=hit.items,
            )
            for hit in ranking.subsets
        ],
    )


def answer_item(index: SearchIndex, recipe_id: str) -> WholeItemAnswer:
    """Show one recipe; raises `NotFoundError` when it is not here."""
    item = index.item(recipe_id)
    return WholeItemAnswer(
        version=index.version,
        recipe_id=item.recipe_id,
        title=item.title,
        dish=item.dish,
        dish_names=view_names(index, item.dish),
        language=item.language,
        source=item.source,
        url=item.url,
        author=item.author,
        photo=_photo_address(item),
        ingredients=list(item.ingredients),
        tags=list(item.tags),
    )


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


def _view_hit(index: SearchIndex, hit: Hit, liked: list[str]) -> HitAnswer:
    shared = hit.shared_ingredients
    if liked:
        of_liked = shared_ingredients(liked, index.item(hit.recipe_id).ingredients)
        shared = tuple(dict.fromkeys((*shared, *of_liked)))
    return HitAnswer(
        rank=hit.rank,
        recipe_id=hit.recipe_id,
        score=hit.score,
        probability=hit.probability,
        contributions=dict(hit.contributions),
        carried_by=hit.carried_by if hit.contributions else None,
        title=hit.title,
        dish=hit.dish,
        dish_names=view_names(index, hit.dish),
        language=hit.language,
        source=hit.source,
        url=hit.url,
        author=hit.author,
        photo=_photo_address(hit),
        tags=list(hit.tags),
        shared_ingredients=list(shared),
    )


def _view_verdict(result: SearchResult) -> VerdictAnswer:
    verdict = result.verdict
    return VerdictAnswer(
        is_confident=verdict.is_confident,
        best_score=verdict.best_score if math.isfinite(verdict.best_score) else None,
        threshold=verdict.threshold,
        text=verdict.text,
    )


def _photo_address(item: Hit | Item) -> str | None:
    if item.image_path is None:
        return None
    return f"/items/{quote(item.recipe_id, safe='')}/photo"
