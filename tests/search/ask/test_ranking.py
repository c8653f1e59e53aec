"""An answer explains its hits, ranks the dishes and judges itself."""

import numpy as np
import pytest

from mmpipeline.search.ask.lookup import RowLookup
from mmpipeline.search.ask.query_vector import ComposedQuery
from mmpipeline.search.ask.ranking import SearchScope, answer
from mmpipeline.search.index import SearchIndex


@pytest.fixture
def asked(index: SearchIndex) -> ComposedQuery:
    """The vector of the row 7, as two parts that carry a quarter and three quarters of it."""
    vector = index.vectors_at(np.array([7]))[0]
    terms = np.stack([0.25 * vector, 0.75 * vector]).astype(np.float64)
    return ComposedQuery(("title", "ingredients"), terms, vector)


def test_parts_add_up_to_the_score_and_shared_ingredients_are_told(
    index: SearchIndex, asked: ComposedQuery
) -> None:
    lookup = RowLookup("v", index._parts)
    own = lookup.read(7)
    found = answer(
        "v", index._parts, lookup, asked, 5, SearchScope(ingredients=tuple(own["ingredients"]))
    )
    assert [hit.rank for hit in found.items] == [1, 2, 3, 4, 5]
    assert found.items[0].recipe_id == own["recipe_id"]
    assert len(found.items[0].shared_ingredients) == 3
    for hit in found.items:
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
        assert hit.contributions["ingredients"] == pytest.approx(0.75 * hit.score, abs=1e-5)
    assert found.dishes[0].dish == own["dish"]
    assert found.verdict.best_score == pytest.approx(1, abs=1e-5)


def test_the_verdict_looks_at_all_rows_whatever_the_filter(
    index: SearchIndex, asked: ComposedQuery
) -> None:
    rows = np.array([0, 1])
    lookup = RowLookup("v", index._parts)
    found = answer("v", index._parts, lookup, asked, 2, SearchScope(rows))
    ids = index.columns_at(rows, ("recipe_id",))["recipe_id"]
    assert set(ids) == {hit.recipe_id for hit in found.items}
    assert found.verdict.best_score == pytest.approx(1, abs=1e-5)
    assert found.items[0].score < 1 - 1e-4


@pytest.mark.parametrize("rows", [None, np.arange(12)])
def test_what_is_hidden_is_no_answer_and_the_others_keep_their_order(
    index: SearchIndex, asked: ComposedQuery, rows: np.ndarray[tuple[int], np.dtype[np.intp]] | None
) -> None:
    lookup = RowLookup("v", index._parts)
    everything = answer("v", index._parts, lookup, asked, 4, SearchScope(rows)).items
    found = answer("v", index._parts, lookup, asked, 3, SearchScope(rows, np.array([7])))
    assert [hit.recipe_id for hit in found.items] == [hit.recipe_id for hit in everything[1:]]
    assert [hit.rank for hit in found.items] == [1, 2, 3]
    assert found.verdict.best_score == found.items[0].score


def test_where_all_is_hidden_there_is_nothing(index: SearchIndex, asked: ComposedQuery) -> None:
    lookup = RowLookup("v", index._parts)
    found = answer("v", index._parts, lookup, asked, 3, SearchScope(None, index.rows))
    assert found.items == []
    assert found.verdict.best_score == 0
