"""Makes the answer to a query: hits with their explanation, ranked dishes, a verdict."""

import numpy as np
import numpy.typing as npt

from mmpipeline.search.answer import DishHit, Hit, SearchResult, Verdict
from mmpipeline.search.compose import ComposedQuery
from mmpipeline.search.lookup import RowLookup
from mmpipeline.search.opening import IndexParts
from mmpipeline.search.query import shared_ingredients

Rows = npt.NDArray[np.intp]


def answer(
    version: str,
    parts: IndexParts,
    lookup: RowLookup,
    asked: ComposedQuery,
    k: int,
    chosen: tuple[Rows | None, tuple[str, ...]],
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
    chosen
        The only rows to look at, ascending (None means all), and the ingredients of the query, by
        which those that a hit shares are told.

    Returns
    -------
    SearchResult
        Best first.
    """
    rows, ingredients = chosen
    space = parts.view_for(asked.parts)
    found, scores = space.find(asked.vector, k, rows)
    best = scores[:1] if rows is None else space.find(asked.vector, 1)[1]
    contributions = asked.contributions(space.take(found))
    calibration = parts.calibration
    hits = []
    for turn, row in enumerate(found):
        item = lookup.read(row)
        shared = shared_ingredients(ingredients, item.pop("ingredients"))
        score = float(scores[turn])
        hits.append(
            Hit(
                rank=turn + 1,
                score=score,
                probability=calibration.hit_chance(asked.parts, score),
                contributions=contributions[turn],
                shared_ingredients=shared,
                tags=tuple(item.pop("tags")),
                **item,
            )
        )
    return SearchResult(
        version=version,
        asked_with=asked.parts,
        verdict=_judge(parts, asked.parts, float(best[0])),
        items=hits,
        dishes=_rank_dishes(parts, asked, k),
    )


def _judge(parts: IndexParts, asked_with: tuple[str, ...], best_score: float) -> Verdict:
    threshold = parts.calibration.threshold(asked_with)
    is_confident = None if threshold is None else best_score >= threshold
    return Verdict(is_confident=is_confident, best_score=best_score, threshold=threshold)


def _rank_dishes(parts: IndexParts, asked: ComposedQuery, k: int) -> list[DishHit]:
    prototypes = parts.prototypes
    dishes = [turn for turn, info in enumerate(prototypes.infos) if info.kind == "dish"]
    scores = prototypes.scores(asked.vector)[dishes]
    chance = parts.calibration.dish_chance
    return [
        DishHit(
            rank=rank,
            dish=info.subset,
            score=float(scores[turn]),
            probability=chance(asked.parts, float(scores[turn])),
            name_ko=info.name_ko,
            name_en=info.name_en,
            recipes=info.items,
            is_known=info.is_known,
        )
        for rank, turn in enumerate(np.argsort(-scores, kind="stable")[:k], start=1)
        for info in [prototypes.infos[dishes[turn]]]
    ]
