"""Additions to the OpenAPI description: bodies that are read by hand, with examples to try."""

from typing import Any

from fastapi import FastAPI

from mmpipeline.serving.api.requests import SearchRequest

_REFERENCE = "#/components/schemas/{model}"

JSON_EXAMPLES: dict[str, Any] = {
    "texts": {
        "summary": "A title and ingredients, in Korean or English",
        "value": {"title": "두부 김치찌개", "ingredients": ["김치", "돼지고기"], "k": 5},
    },
    "weights and filters": {
        "summary": "Ingredients count double; Korean recipes only",
        "value": {
            "title": "kimchi stew",
            "ingredients": ["kimchi", "tofu"],
            "weights": {"ingredients": 2},
            "filters": {"language": ["ko"]},
        },
    },
    "like this, without that": {
        "summary": "More like a recipe, less like an ingredient",
        "value": {"like": ["10k:6915443"], "minus": {"ingredients": ["고추장"]}},
    },
}

_FORM = {
    "type": "object",
    "properties": {
        "photo": {
            "type": "string",
            "format": "binary",
            "description": "JPEG, PNG or WebP; not stored",
        },
        "query": {"type": "string", "description": "a SearchRequest as JSON", "examples": ["{}"]},
        "title": {"type": "string"},
        "ingredients": {"type": "array", "items": {"type": "string"}},
        "instructions": {"type": "array", "items": {"type": "string"}},
        "like": {"type": "array", "items": {"type": "string"}},
        "k": {"type": "integer", "minimum": 1},
    },
    "additionalProperties": False,
}


def describe_bodies(app: FastAPI, paths: tuple[str, ...], max_k: int) -> None:
    """Let an application's OpenAPI description say what may be posted.

    Parameters
    ----------
    app
        The application.
    paths
        Of the routes that read their body by hand.
    max_k
        Largest `k`.
    """
    make = app.openapi

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make()
            _add_models(schema, max_k)
            for path in paths:
                schema["paths"][path]["post"]["requestBody"] = _request_body()
        return make()

    app.openapi = describe  # type: ignore[method-assign]  # as FastAPI's documentation does


def _add_models(schema: dict[str, Any], max_k: int) -> None:
    asked = SearchRequest.model_json_schema(ref_template=_REFERENCE)
    models = schema["components"]["schemas"]
    models.update(asked.pop("$defs"))
    asked["properties"]["k"]["maximum"] = max_k
    models["SearchRequest"] = asked


def _request_body() -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": _REFERENCE.format(model="SearchRequest")},
                "examples": JSON_EXAMPLES,
            },
            "multipart/form-data": {"schema": _FORM},
        },
    }
