import math

import pytest
import requests

from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query


@pytest.mark.parametrize("path", ["/search", "/subsets"])
@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ({"title": "김치찌개"}, 200, None),
        ({"title": "김치 " * 3333}, 200, None),  # 10,000 characters
        ({"title": "x" * 10_000, "instructions": ["끓인다 " * 2500]}, 200, None),
        ({}, 422, "invalid"),
        ({"title": "?!"}, 422, "invalid"),
        ({"title": "국", "k": 0}, 422, "invalid"),
        ({"title": "국", "k": -1}, 422, "invalid"),
        ({"title": "국", "k": 101}, 422, "invalid"),
        ({"title": "국", "k": 10**30}, 422, "invalid"),
        ({"like": ["10k:none"]}, 404, "not_found"),
        ({"like": ["../../etc/passwd"]}, 404, "not_found"),
        ({"title": "국", "minus": {"title": "국"}}, 422, "invalid"),
    ],
)
def test_queries(
    address: str, path: str, query: dict[str, object], status: int, reason: str | None
) -> None:
    answer = requests.post(address + path, json=query, timeout=20)
    assert answer.status_code == status
    assert answer.json().get("reason") == reason


@pytest.mark.parametrize(
    "vector",
    ["[1]", "[" + "NaN," * 15 + "1]", "[" + "Infinity," * 15 + "1]", "[" + "0," * 15 + "0]",
     "[" + "1e39," * 15 + "1]", "null", '"x"', "[]"],
)  # fmt: skip
def test_unusable_vectors_are_422(address: str, vector: str) -> None:
    answer = requests.post(
        f"{address}/search",
        data=f'{{"vector": {vector}}}',
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    assert answer.status_code == 422


def test_a_vector_query(address: str, index: SearchIndex) -> None:
    vector = index._composer.compose(Query(title="비빔밥")).vector.tolist()
    answer = requests.post(f"{address}/search", json={"vector": vector, "k": 3}, timeout=20).json()
    own = index.search(Query(title="비빔밥"), 3)
    assert answer["version"] == own.version
    assert [hit["recipe_id"] for hit in answer["items"]] == [hit.recipe_id for hit in own.items]
    assert all(math.isclose(hit["score"], mine.score, abs_tol=1e-6)
               for hit, mine in zip(answer["items"], own.items, strict=True))  # fmt: skip


def test_filters_are_listed(address: str) -> None:
    answer = requests.get(f"{address}/filters", timeout=20)
    assert answer.status_code == 200
    assert [choice["value"] for choice in answer.json()["source"]] == ["r1m"]


@pytest.mark.parametrize("path", ["/search", "/subsets"])
def test_asking_is_posting(address: str, path: str) -> None:
    answer = requests.get(address + path, timeout=20)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.json()["reason"] == "wrong_method"
