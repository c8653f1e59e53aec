"""The JSON-LD block of a recipe page, as a second source for what the page does not give.

A template prints it, so it breaks on quotes and control characters: failure is an answer here,
not an error. It has no groups and no notes, which is why it never comes first.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mmpipeline.sources.tenthousand.page.page_index import Page
from mmpipeline.text.normalize import clean_text

_STEP_BREAK = re.compile(r"\s*\n\s*(?:\d{1,3}\s*\.)?\s*")
_LEADING_NUMBER = re.compile(r"^\s*\d{1,3}\s*\.\s*")
_MAX_CHARACTERS = 500_000


@dataclass(frozen=True, slots=True)
class JsonLdRecipe:
    """What the block says; None and empty where it says nothing."""

    title: str | None = None
    author: str | None = None
    intro: str | None = None
    ingredients: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    image_links: tuple[str, ...] = ()
    published: str | None = None
    servings: str | None = None
    total_time: str | None = None


def read_json_ld(page: Page) -> tuple[JsonLdRecipe | None, str | None]:
    """Return the recipe that a page's JSON-LD describes.

    Parameters
    ----------
    page
        The page.

    Returns
    -------
    tuple of (JsonLdRecipe or None), (str or None)
        The recipe of the first block of type Recipe; and, when there is none but a block could
        not be read, what was wrong with it.
    """
    problem = None
    for script in page.find_all('script[type="application/ld+json"]'):
        try:
            value = json.loads((script.string or "")[:_MAX_CHARACTERS], strict=False)
        except (ValueError, RecursionError) as error:
            problem = str(error)
            continue
        for block in _blocks(value):
            if block.get("@type") == "Recipe" or block.get("@type") == ["Recipe"]:
                return _read_block(block), None
    return None, problem


def _blocks(value: object) -> Iterator[dict[str, object]]:
    candidates = value if isinstance(value, list) else [value]
    for candidate in candidates:
        if isinstance(candidate, dict):
            yield candidate
            graph = candidate.get("@graph")
            if isinstance(graph, list):
                yield from (block for block in graph if isinstance(block, dict))


def _read_block(block: dict[str, object]) -> JsonLdRecipe:
    author = block.get("author")
    image = block.get("image")
    links = image if isinstance(image, list) else [image]
    return JsonLdRecipe(
        title=_text(block.get("name")),
        author=_text(author.get("name") if isinstance(author, dict) else author),
        intro=_text(block.get("description")),
        ingredients=tuple(_texts(block.get("recipeIngredient"))),
        steps=tuple(_steps(block.get("recipeInstructions"))),
        image_links=tuple(link for link in links if isinstance(link, str) and link.strip()),
        published=_text(block.get("datePublished")),
        servings=_text(block.get("recipeYield")),
        total_time=_text(block.get("totalTime")),
    )


def _text(value: object) -> str | None:
    return clean_text(value) if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for item in values if (text := _text(item))]


def _steps(value: object) -> list[str]:
    if isinstance(value, str):  # the form of 2019: one string, "\n1. ...\n2. ..."
        parts = _STEP_BREAK.split("\n" + value) if "\n" in value else [value]
        return [text for part in parts if (text := clean_text(_LEADING_NUMBER.sub("", part)))]
    values = value if isinstance(value, list) else []
    texts = [item.get("text") if isinstance(item, dict) else item for item in values]
    return _texts(texts)
