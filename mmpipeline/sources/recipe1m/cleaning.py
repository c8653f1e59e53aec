r"""Defects of Recipe1M's texts, each with its repair.

Recipe1M was scraped from many sites, so escapes of several layers are left in it: entities,
Windows-1252 quotes, literal ``\u00bd`` and ``\n``, percent-encoding. They are undone until
nothing changes. A lost fraction slash ("12 cup") is repaired only with evidence, and only in the
quantity: the line itself stays as it was written.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from mmpipeline.schemas import Ingredient
from mmpipeline.text.ingredients import parse_ingredient
from mmpipeline.text.normalize import clean_text
from mmpipeline.text.quantities import parse_number

_UNICODE_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_OTHER_ESCAPES = re.compile(r"(?<!\\)\\++(?:([nrt\"'/])(?![a-z])|[nrt](?=[A-Z\s\d]))")
_ESCAPING = re.compile(r"[\\%]")
_MOST_PASSES = 16  # nobody escapes a text so often; what still changes loses what escapes
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")

_LOST_SLASH = re.compile(
    r"(?:(?P<whole>[1-9]) )?(?P<upper>1|2|3)(?P<lower>2|3|4|8)\s+"
    r"(?P<unit>cups?|teaspoons?|tablespoons?|tsps?|tbsps?|pint|quart|gallon)\b\.?",
    re.IGNORECASE,
)
_FRACTIONS = frozenset({"12", "13", "14", "18", "23", "34"})
_ABBREVIATIONS = frozenset({"tsp", "tbsp"})

_HEADER = re.compile(
    r"(?:for (?:the )?[a-z ,&-]{2,40}|[^\d:]{2,60}:|(?=\D{4})[-*=~#]{2,}+\s*+\D{0,60}?|"
    r"\[[^\]\d]{1,60}\]|<[^>\d]{1,60}>)[-*=~#\s:]*+",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"\([^)]*\)|(?:note|notes|yield|yields|makes|serves|servings|optional)\b\s*[:\d].*",
    re.IGNORECASE,
)
LineKind = Literal["empty", "header", "note", "ingredient"]
_HEADER_EDGES = " \t-*=~#:[]<>"


@dataclass(frozen=True, slots=True)
class Repair:
    """A lost fraction slash put back.

    Attributes
    ----------
    quantity
        What was meant.
    confidence
        0..1, by how strong the evidence in the line is.
    """

    quantity: float
    confidence: float


@dataclass(frozen=True, slots=True)
class IngredientList:
    """The ingredient lines of a recipe, sorted by what they are.

    Attributes
    ----------
    ingredients
        Real ingredients, each under the header it stood under.
    notes
        Lines that are remarks ("(makes 12)").
    repairs
        Repaired lines with their repair.
    empty_lines
        Number of lines with nothing in them.
    """

    ingredients: tuple[Ingredient, ...]
    notes: tuple[str, ...]
    repairs: tuple[tuple[str, Repair], ...]
    empty_lines: int


def clean_dump_text(text: str | None) -> str | None:
    r"""Clean a text of the dump: `clean_text`, and the escapes that Recipe1M left in.

    Parameters
    ----------
    text
        Raw text.

    Returns
    -------
    str or None
        None when nothing is left. Cleaning it again changes nothing.
    """
    previous: str | None = None
    passes = 0
    while text is not None and text != previous:
        previous = text
        passes += 1
        text = clean_text(_decode(text) if passes < _MOST_PASSES else _ESCAPING.sub(" ", text))
    return text


def _decode(text: str) -> str:
    if "\\" in text:
        text = _UNICODE_ESCAPES.sub(_decode_unicode_escapes, text)
        text = _OTHER_ESCAPES.sub(_decode_other_escape, text)
    return _PERCENT.sub(_decode_percent, text) if "%" in text else text


def _decode_unicode_escapes(escapes: re.Match[str]) -> str:
    units = bytes.fromhex(escapes[0].replace("\\u", ""))
    return units.decode("utf-16-be", "ignore")


def _decode_other_escape(escape: re.Match[str]) -> str:
    return escape[1] if escape[1] in {'"', "'", "/"} else " "


def _decode_percent(sequence: re.Match[str]) -> str:
    """Decode what is well-formed UTF-8; "50%ab" and the like survive."""
    try:
        decoded = unquote(sequence[0], errors="strict")
    except UnicodeDecodeError:
        return sequence[0]
    return decoded if decoded.isprintable() else sequence[0]


def find_lost_fraction(line: str) -> Repair | None:
    """Tell whether a number at the start of a line is a fraction that lost its slash.

    The evidence is the unit: a volume in the singular ("12 cup"), an abbreviated spoon ("14
    tsp"), or a whole number before it ("1 12 cups"). Without one ("12 eggs", "12 cups", "14
    ounce can") the number stands.

    Parameters
    ----------
    line
        A cleaned English ingredient line.

    Returns
    -------
    Repair or None
        None when there is no evidence.
    """
    found = _LOST_SLASH.match(line)
    if found is None or found["upper"] + found["lower"] not in _FRACTIONS:
        return None
    fraction = parse_number(f"{found['upper']}/{found['lower']}") or 0.0
    if found["whole"]:
        return Repair(float(found["whole"]) + fraction, 0.9)
    unit = found["unit"].lower()
    if unit.endswith("s"):
        return None
    return Repair(fraction, 0.8 if unit in _ABBREVIATIONS else 0.95)


def read_ingredients(lines: list[str]) -> IngredientList:
    """Sort the ingredient lines of a recipe into ingredients, headers and notes.

    Parameters
    ----------
    lines
        Raw lines in their order.

    Returns
    -------
    IngredientList
        Headers are found again as the `group` of what stands under them.
    """
    ingredients: list[Ingredient] = []
    notes: list[str] = []
    repairs: list[tuple[str, Repair]] = []
    group: str | None = None
    empty_lines = 0
    for raw in lines:
        kind, line, ingredient, repair = _read_line(raw)
        if kind == "empty":
            empty_lines += 1
        elif kind == "header":
            group = line.strip(_HEADER_EDGES) or None
        elif kind == "note":
            notes.append(line)
        elif ingredient is not None:
            if repair is not None:
                repairs.append((line, repair))
            ingredients.append(ingredient if group is None else replace(ingredient, group=group))
    return IngredientList(tuple(ingredients), tuple(notes), tuple(repairs), empty_lines)


@lru_cache(maxsize=1 << 13)
def _read_line(raw: str) -> tuple[LineKind, str, Ingredient | None, Repair | None]:
    """Read a line on its own; cached, for cooks write "1 cup sugar" over and over."""
    line = clean_dump_text(raw)
    if line is None:
        return "empty", "", None, None
    if _HEADER.fullmatch(line):
        return "header", line, None, None
    if _NOTE.fullmatch(line):
        return "note", line, None, None
    ingredient, repair = parse_ingredient(line), find_lost_fraction(line)
    if repair is not None:
        ingredient = _apply(ingredient, repair)
    return "ingredient", line, ingredient, repair


def _apply(ingredient: Ingredient, repair: Repair) -> Ingredient:
    found = _LOST_SLASH.match(ingredient.text)
    rest = parse_ingredient(ingredient.text[found.end() :]) if found else ingredient
    return replace(
        ingredient,
        name=rest.name,
        quantity=repair.quantity,
        quantity_max=None,
        unit=found["unit"] if found else ingredient.unit,
    )
