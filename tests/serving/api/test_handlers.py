import json

import numpy as np
import pytest

from mmpipeline.config import ServeConfig
from mmpipeline.errors import NotFoundError, QueryError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.serving.api.handlers import (
    answer_filters,
    answer_item,
    answer_search,
    answer_subsets,
    view_names,
)
from mmpipeline.serving.api.requests import SearchRequest, read_request


def read(**query: object) -> SearchRequest:
    return read_request(json.dumps(query), ServeConfig())


def test_the_answer_is_the_index_s_own(index: SearchIndex) -> None:
    asked = Query(title="김치찌개", ingredients=("두부",), weights={"title": 2.0})
    own = index.search(asked, 4)
    answer = answer_search(
        index, read(title="김치찌개", ingredients=["두부"], weights={"title": 2}, k=4)
    )
    assert answer.version == own.version
    assert [hit.recipe_id for hit in answer.items] == [hit.recipe_id for hit in own.items]
    assert [hit.score for hit in answer.items] == [hit.score for hit in own.items]
    assert [dish.dish for dish in answer.dishes] == [dish.dish for dish in own.dishes]
    hit = answer.items[0]
    assert sum(hit.contributions.values()) == pytest.approx(hit.score)
    assert hit.carried_by == max(hit.contributions, key=lambda part: hit.contributions[part])
    assert hit.photo == f"/items/{hit.recipe_id.replace(':', '%3A')}/photo"
    assert hit.url is not None
    assert hit.dish_names.name_ko
    assert answer.verdict.best_score == own.verdict.best_score


def test_places_on_the_disk_stay_inside(index: SearchIndex) -> None:
    answer = answer_search(index, read(title="김치찌개", k=24))
    assert "raw/" not in answer.model_dump_json()


def test_filters_and_minus_reach_the_index(index: SearchIndex, recipe_id: str) -> None:
    only = answer_search(index, read(title="국", filters={"dish": ["naengmyeon"]}, k=24))
    assert {hit.dish for hit in only.items} == {"naengmyeon"}
    liked = answer_search(index, read(like=[recipe_id], k=1))
    assert liked.asked_with == ["like"]
    assert liked.items[0].recipe_id != recipe_id
    unlike = answer_search(index, read(title="국", minus={"like": [recipe_id]}, k=1))
    assert "minus" in unlike.asked_with


def test_what_a_liked_recipe_shares_is_said(index: SearchIndex, recipe_id: str) -> None:
    answer = answer_search(index, read(like=[recipe_id], k=8))
    assert answer.items[0].shared_ingredients == list(index.item(recipe_id).ingredients)


def test_a_vector_is_asked_alone(index: SearchIndex) -> None:
    vector = index._composer.compose(Query(title="김치찌개")).vector
    own = index.search(Query(title="김치찌개"), 3)
    answer = answer_search(index, read(vector=[3 * float(value) for value in vector], k=3))
    assert [hit.recipe_id for hit in answer.items] == [hit.recipe_id for hit in own.items]
    assert answer.asked_with == ["vector"]
    with pytest.raises(QueryError, match="asked with alone"):
        answer_search(index, read(vector=vector.tolist(), title="국"))
    with pytest.raises(QueryError, match="a vector can be asked /search"):
        answer_subsets(index, read(vector=vector.tolist()))


@pytest.mark.parametrize("vector", [[1.0], [0.0] * 16, [1e39] * 16, [1.0] * 17])
def test_unusable_vectors(index: SearchIndex, vector: list[float]) -> None:
    with pytest.raises(QueryError):
        answer_search(index, read(vector=vector))


def test_subsets_are_ranked(index: SearchIndex) -> None:
    answer = answer_subsets(index, read(title="냉면", k=2))
    assert len(answer.subsets) == 2
    assert answer.subsets[0].score >= answer.subsets[1].score
    assert {subset.kind for subset in answer.subsets} == {"dish"}


def test_one_item(index: SearchIndex, recipe_id: str) -> None:
    item = answer_item(index, recipe_id)
    assert item.ingredients == ["김치", "두부", "돼지고기"]
    assert item.dish_names.name_ko == "김치찌개"
    for unknown in ("nothing", "../../etc/passwd", "", "\0"):
        with pytest.raises(NotFoundError):
            answer_item(index, unknown)


def test_filters_count_what_there_is(index: SearchIndex) -> None:
    answer = answer_filters(index)
    assert [(choice.value, choice.recipes) for choice in answer.language] == [("ko", 24)]
    assert {choice.name for choice in answer.dish} == {"비빔밥", "김치찌개", "냉면"}
    assert sum(choice.recipes for choice in answer.dish) == len(index)


def test_no_dish_has_no_name(index: SearchIndex) -> None:
    assert view_names(index, None).name_ko is None
    assert view_names(index, "unheard-of").name_en is None
    assert np.isfinite(index.embedding_dim)
