"""The text of each modality that encoders read, for the extraction and for queries alike.

An ingredient is read by its name alone: "두부 1모" in a query and "두부" in a recipe mean the same,
and amounts would only add noise. A name that still holds an amount is read again until it does
not change, so that a full line and its name give one text. Results are remembered: a few thousand
names make up most of any collection.
"""

from collections.abc import Iterable
from functools import lru_cache

from mmpipeline.text.ingredients import MAX_LINE, parse_ingredient
from mmpipeline.text.normalize import fold_text


def title_content(title: str | None) -> str:
    """Return what the title encoder reads; empty when there is no title."""
    return title or ""


def ingredients_content(lines: Iterable[str]) -> str:
    """Join ingredients for the encoder.

    Parameters
    ----------
    lines
        Names or whole lines, one ingredient each.

    Returns
    -------
    str
        Their names, one a line; empty when there is nothing.
    """
    return "\n".join(ingredient_name(line) for line in lines)


def instructions_content(steps: Iterable[str | None]) -> str:
    """Join the steps for the encoder; empty when there are none."""
    return "\n".join(step for step in steps if step)


def has_words(text: str) -> bool:
    """Tell whether a text holds a letter or a digit; without any it says nothing."""
    return bool(fold_text(text[:MAX_LINE])) or bool(fold_text(text))


@lru_cache(maxsize=65_536)
def ingredient_name(line: str) -> str:
    """Return the bare name that a line or a name stands for; the line itself if none is found."""
    name = line[:MAX_LINE]
    shorter = parse_ingredient(name).name or name
    while len(shorter) < len(name):
        name = shorter
        shorter = parse_ingredient(name).name or name
    return name
