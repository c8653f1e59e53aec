"""The answer to a query: hits with their explanation, ranked dishes, a verdict; or subsets."""

from dataclasses import dataclass, field

import numpy as np

from mmpipeline.arrays import Float64Array, IndexArray
from mmpipeline.search.ask.lookup import RowLookup
from mmpipeline.search.ask.query_vector import ComposedQuery
from mmpipeline.search.parts import IndexRows
from mmpipeline.search.query import shared_ingredients
from mmpipeline.search.results import (
    DishHit,
    Hit,
    SearchResult,
    SubsetHit,
    SubsetRanking,
    Verdict,
)
from mmpipeline.search.vectors.space import VectorSpace


@dataclass(frozen=True, slots=True)
class SearchScope:
    """What of an index may answer a query.

    Attributes
    ----------
    rows
        The only rows to look at, ascending; None means all.
    hidden
        Rows that are no answer: those of recipes that the query names.
    ingredients
        Those of the query, by which what a hit shares is told.
    """

    rows: IndexArray | None = None
    hidden: IndexArray = field(default_factory=lambda: np.zeros(0, np.intp))
    ingredients: tuple[str, ...] = ()


def answer(
    version: str,
    parts: IndexRows,
    lookup: RowLookup,
    asked: ComposedQuery,
    k: int,
    wanted: SearchScope,
) -> SearchResult:
    """Rank items and dishes by their nearness to a query.

    Parameters
    ----------
    version, parts, lookup
        Of the index version.
    asked
        The query.
    k
        How many of each, at most.
    wanted
        What may answer.

    Returns
    -------
    SearchResult
        Best first.
    """
    space = parts.space
    found, scores = _find(space, asked, k, wanted.rows, wanted.hidden)
    best = scores
    if wanted.rows is not None:  # the verdict is on all there is
        best = _find(space, asked, 1, None, wanted.hidden)[1]
    contributions = asked.contributions(space.take(found))
    calibration = parts.calibration
    hits = []
    for position, row in enumerate(found):
        item = lookup.read(row)
        shared = shared_ingredients(wanted.ingredients, item.pop("ingredients"))
        score = float(scores[position])
        hits.append(
            Hit(
                rank=position + 1,
                score=score,
                probability=calibration.hit_chance(asked.parts, score),
                contributions=contributions[position],
                shared_ingredients=shared,
                tags=tuple(item.pop("tags")),
                **item,
            )
        )
    return SearchResult(
        version=version,
        asked_with=asked.parts,
        verdict=_judge(parts, asked.parts, float(best[0]) if len(best) else 0.0),
        items=hits,
        dishes=_rank_dishes(parts, asked, k),
    )


def rank_subsets(
    version: str, parts: IndexRows, lookup: RowLookup, asked: ComposedQuery, k: int
) -> SubsetRanking:
    """Rank subsets of the data by their nearness to a query; parameters as for `answer`.

    The distance is the version's own (see `prototypes`).
    """
    infos = parts.prototypes.infos
    found = parts.prototypes.rank(asked.vector, k, rule=parts.described["prototype"])
    subsets = [
        SubsetHit(
            rank=rank,
            subset=infos[position].subset,
            kind=infos[position].kind,
            score=float(score),
            items=lookup.sizes.get(infos[position].subset, infos[position].items),
            name=infos[position].name,
        )
        for rank, (position, score) in enumerate(zip(*found, strict=True), start=1)
    ]
    return SubsetRanking(version=version, asked_with=asked.parts, subsets=subsets)


def _find(
    space: VectorSpace, asked: ComposedQuery, k: int, rows: IndexArray | None, hidden: IndexArray
) -> tuple[IndexArray, Float64Array]:
    if rows is not None:
        return space.find(asked.vector, k, rows[~np.isin(rows, hidden)] if len(hidden) else rows)
    found, scores = space.find(asked.vector, k + len(hidden))
    may_answer = ~np.isin(found, hidden)
    return found[may_answer][:k], scores[may_answer][:k]


def _judge(parts: IndexRows, asked_with: tuple[str, ...], best_score: float) -> Verdict:
    threshold = parts.calibration.threshold(asked_with)
    is_confident = None if threshold is None else best_score >= threshold
    return Verdict(is_confident=is_confident, best_score=best_score, threshold=threshold)


def _rank_dishes(parts: IndexRows, asked: ComposedQuery, k: int) -> list[DishHit]:
    prototypes = parts.prototypes
    dishes = [position for position, info in enumerate(prototypes.infos) if info.kind == "dish"]
    found = prototypes.rank(asked.vector, k, dishes)
    chance = parts.calibration.dish_chance
    return [
        DishHit(
            rank=rank,
            dish=info.subset,
            score=float(score),
            probability=chance(asked.parts, float(score)),
            name_ko=info.name_ko,
            name_en=info.name_en,
            recipes=info.items,
            is_known=info.is_known,
        )
        for rank, (position, score) in enumerate(zip(*found, strict=True), start=1)
        for info in [prototypes.infos[position]]
    ]
