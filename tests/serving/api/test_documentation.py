import jsonschema
import pytest
import requests

from mmpipeline.serving.api.documentation import JSON_EXAMPLES
from mmpipeline.serving.api.requests import SearchRequest


def test_every_route_is_described_with_its_refusals(address: str) -> None:
    schema = requests.get(f"{address}/openapi.json", timeout=10).json()
    assert set(schema["paths"]) == {
        "/search", "/subsets", "/filters", "/items/{recipe_id}", "/items/{recipe_id}/photo",
        "/map.json", "/health", "/ready", "/version",
    }  # fmt: skip
    for path in ("/search", "/subsets"):
        post = schema["paths"][path]["post"]
        assert set(post["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
        assert {"400", "404", "408", "413", "415", "422", "503"} <= set(post["responses"])
    assert schema["components"]["schemas"]["SearchRequest"]["properties"]["k"]["maximum"] == 100


@pytest.mark.parametrize("name", JSON_EXAMPLES)
def test_examples_are_queries(name: str) -> None:
    example = JSON_EXAMPLES[name]["value"]
    SearchRequest.model_validate(example)
    jsonschema.validate(example, SearchRequest.model_json_schema())


def test_asking_twice_gives_the_same_description(address: str) -> None:
    first, second = (requests.get(f"{address}/openapi.json", timeout=10).json() for _ in range(2))
    assert first == second
