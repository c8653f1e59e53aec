import json

import pytest

from mmpipeline.config import ServeConfig
from mmpipeline.search.query import Filters, Query
from mmpipeline.serving.api.requests import read_request
from mmpipeline.serving.http.errors import RefusedError

CONFIG = ServeConfig(max_k=50, max_text_chars=15_000)


def test_a_whole_query_becomes_the_index_s_own() -> None:
    request = read_request(
        json.dumps({
            "title": "찌개",
            "ingredients": ["두부"],
            "instructions": ["끓인다"],
            "like": ["10k:1"],
            "examples": [{"title": "국"}],
            "minus": {"ingredients": ["고추장"]},
            "weights": {"title": 2, "image": 0},
            "filters": {"language": ["ko"], "tags": ["집밥"]},
            "k": 50,
        }),
        CONFIG,
    )
    assert request.to_search(b"photo") == Query(
        title="찌개",
        ingredients=("두부",),
        instructions=("끓인다",),
        image=b"photo",
        like=("10k:1",),
        examples=(Query(title="국"),),
        weights={"title": 2.0, "image": 0.0},
        minus=Query(ingredients=("고추장",)),
    )
    assert request.filters.to_filters() == Filters(language=("ko",), tags=("집밥",))


def test_an_empty_minus_excludes_nothing() -> None:
    assert read_request('{"title": "a", "minus": {}}', CONFIG).to_search(None).minus is None


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("", "the query"),
        ("{", "the query"),
        ("[]", "the query"),
        ("[" * 100_000, "the query"),
        ('{"title": 5}', "title"),
        ('{"titel": "a"}', "titel"),
        ('{"title": "' + "a" * 20_001 + '"}', "title"),
        ('{"ingredients": "a"}', "ingredients"),
        ('{"title": "\\ud800"}', "the query"),
        ('{"k": 0}', "k"),
        ('{"k": 51}', "k = 51: expected a number from 1 to 50"),
        ('{"k": 1e99}', "k"),
        ('{"vector": [NaN]}', "vector.0"),
        ('{"vector": [1, Infinity]}', "vector.1"),
        ('{"vector": [1e400]}', "vector.0"),
        ('{"vector": []}', "vector"),
        ('{"weights": {"smell": 1}}', "weights.smell"),
        ('{"weights": {"image": -1}}', "weights.image"),
        ('{"weights": {"image": NaN}}', "weights.image"),
        ('{"filters": {"colour": ["red"]}}', "filters.colour"),
        ('{"minus": {"minus": {"title": "a"}}}', "minus.minus"),
    ],
)
def test_what_is_wrong_is_named(body: str, place: str) -> None:
    with pytest.raises(RefusedError, match=place) as caught:
        read_request(body, CONFIG)
    assert caught.value.status == 422
    assert len(str(caught.value)) < 1000


def test_all_texts_together_have_a_bound() -> None:
    texts = {
        "title": "a" * 9000,
        "minus": {"title": "b" * 4000},
        "examples": [{"title": "c" * 2001}],
    }
    with pytest.raises(RefusedError, match="texts of 15,001 characters: at most 15,000"):
        read_request(json.dumps(texts), CONFIG)
