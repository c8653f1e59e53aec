"""The records of layer1.json and layer2.json, typed, and what to make of ill-typed ones.

The typed form is what msgspec decodes at full speed. A record that does not fit it is read again
as plain values, and each field that has a wrong type becomes missing on its own.
"""

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_SURROGATE = re.compile("[\ud800-\udfff]")

Problem = tuple[str, str, str]
"""A field, a reason code, and what was found."""


class Line(msgspec.Struct, gc=False):
    """One ingredient line or one step."""

    text: str


class RawRecipe(msgspec.Struct):
    """A record of layer1.json; None and missing are the same."""

    id: str
    title: str | None = None
    ingredients: list[Line] | None = None
    instructions: list[Line] | None = None
    partition: str | None = None
    url: str | None = None


class RawImage(msgspec.Struct, gc=False):
    """A photo named in layer2.json."""

    id: str
    url: str | None = None


class RawImages(msgspec.Struct):
    """A record of layer2.json or layer2+.json."""

    id: str
    images: list[RawImage]


def read_loose_recipe(values: dict[str, Any]) -> tuple[RawRecipe | None, list[Problem]]:
    """Take what is usable from a record with ill-typed fields.

    Parameters
    ----------
    values
        The record as plain JSON values.

    Returns
    -------
    recipe : RawRecipe or None
        None when there is no id to keep it under.
    problems : list of Problem
        One for each field that was given up.
    """
    if not isinstance(values.get("id"), str):
        return None, [("id", "missing_id", repr(values.get("id")))]
    problems: list[Problem] = []
    recipe = RawRecipe(
        id=values["id"],
        title=_take(values, "title", _as_text, problems),
        ingredients=_take(values, "ingredients", _as_lines, problems),
        instructions=_take(values, "instructions", _as_lines, problems),
        partition=_take(values, "partition", _as_text, problems),
        url=_take(values, "url", _as_text, problems),
    )
    return recipe, problems


def _take(
    values: dict[str, Any], field: str, read: Callable[[Any], T | None], problems: list[Problem]
) -> T | None:
    value = values.get(field)
    if value is None:
        return None
    taken = read(value)
    if taken is None or (isinstance(taken, list) and len(taken) < len(value)):
        problems.append((field, _name_defect(value), repr(value)[:200]))
    return taken


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) and not _SURROGATE.search(value) else None


def _as_lines(value: object) -> list[Line] | None:
    """Keep the lines that are texts; plain strings are taken for lines."""
    if not isinstance(value, list):
        return None
    texts = (_as_text(_text_of(line)) for line in value)
    return [Line(text) for text in texts if text is not None]


def _text_of(line: object) -> object:
    return line.get("text") if isinstance(line, dict) else line


def _name_defect(value: object) -> str:
    """Name what is wrong with a field, or with the first bad line of a list."""
    texts = [_text_of(line) for line in value] if isinstance(value, list) else [value]
    bad = next((text for text in texts if _as_text(text) is None), None)
    if isinstance(bad, str):
        return "lone_surrogate"
    is_number = isinstance(bad, float) and not math.isfinite(bad)
    return "not_a_number" if is_number else "wrong_type"
