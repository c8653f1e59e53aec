"""Ingredients of a recipe page, in all generations of its markup.

Newer pages have one list a group with name and amount in elements of their own; old ones have
comma-separated text under a header. In newer pages a "buy" link stands beside each name, and a
reader that takes the first link of an item calls everything "구매": names are read from their own
element, or from the item without its amount and its buttons.
"""

import re

from bs4 import Tag

from mmpipeline.schemas import Ingredient
from mmpipeline.sources.tenthousand.page.page_index import Page
from mmpipeline.sources.tenthousand.page.tree import read_text
from mmpipeline.text.ingredients import parse_ingredient
from mmpipeline.text.normalize import clean_text
from mmpipeline.text.quantities import parse_amount

MAX_INGREDIENTS = 500
MAX_LINE_CHARACTERS = 500
BUY_BUTTON = "ingre_list_btn"
AMOUNT_CLASSES = ("ingre_list_ea", "ingre_unit")
_COMMA = re.compile(r",(?!\d{3}(?!\d))(?![^(]*\))")


def read_ingredients(page: Page) -> list[Ingredient]:
    """Return the ingredients of a recipe page.

    Parameters
    ----------
    page
        The page.

    Returns
    -------
    list of Ingredient
        In page order; empty when the page has no ingredient block.
    """
    area = page.find("#divConfirmedMaterialArea")
    if area is not None:
        found = _read_lists(page, area)
        if found:
            return found
    return _read_definitions(page)


def read_tools(page: Page) -> list[str]:
    """Return the kitchen tools (조리도구), which stand in a second block of the same class."""
    names = []
    for item in page.find_all(".ready_ingre3 li"):
        if item.find_parent(id="divConfirmedMaterialArea") is None:
            name = _read_name(page, item)
            if name:
                names.append(name)
    return names


def clean_group(text: str | None) -> str | None:
    """Return a group header without its brackets: "[재료 (60인분) ]" is "재료 (60인분)"."""
    if text is None:
        return None
    inner = re.fullmatch(r"\s*\[(.*?)\]?\s*", text)
    return clean_text(inner[1] if inner else text)


def _read_lists(page: Page, area: Tag) -> list[Ingredient]:
    """Read in page order: a header holds for the items after it, whatever element they share."""
    found = []
    group: str | None = None
    for tag in page.find_all("ul, b.ready_ingre3_tt, li", area):
        if tag.name == "ul":
            group = None
        elif tag.name == "b":
            group = clean_group(read_text(tag))
        else:
            ingredient = _read_item(page, tag, group)
            if ingredient is not None:
                found.append(ingredient)
    return found


def _read_item(page: Page, item: Tag, group: str | None) -> Ingredient | None:
    name = _read_name(page, item)
    if name is None:
        return None
    name = name[:MAX_LINE_CHARACTERS]
    amount_text = next(
        (text for css in AMOUNT_CLASSES if (text := read_text(page.find(f".{css}", item)))), None
    )
    if amount_text is None:  # some authors write the amount into the name
        return parse_ingredient(name, group)
    amount_text = amount_text[:MAX_LINE_CHARACTERS]
    amount = parse_amount(amount_text)
    return Ingredient(
        text=f"{name} {amount_text}",
        name=name,
        quantity=amount.quantity,
        quantity_max=amount.quantity_max,
        unit=amount.unit,
        group=group,
    )


def _read_name(page: Page, item: Tag) -> str | None:
    skip = (BUY_BUTTON, *AMOUNT_CLASSES)
    return read_text(page.find(".ingre_list_name", item), skip) or read_text(item, skip)


def _read_definitions(page: Page) -> list[Ingredient]:
    found = []
    group: str | None = None
    for tag in page.find_all(".cont_ingre dt, .cont_ingre dd"):
        text = read_text(tag)
        if tag.name == "dt":
            group = clean_group(text)
        elif text:
            found += [parse_ingredient(part, group) for part in split_list(text)]
    return found


def split_list(text: str) -> list[str]:
    """Split "가, 나 1,000g, 다(라, 마)" at the commas between ingredients."""
    parts = _COMMA.split(text, maxsplit=MAX_INGREDIENTS)[:MAX_INGREDIENTS]
    cleaned = (clean_text(part[:MAX_LINE_CHARACTERS]) for part in parts)
    return [part for part in cleaned if part]
