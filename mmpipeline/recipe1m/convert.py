"""One record of layer1.json becomes one recipe in the common schema."""

import re

from mmpipeline.recipe1m.cleaning import clean_dump_text, read_ingredients
from mmpipeline.recipe1m.records import Problem, RawRecipe
from mmpipeline.schemas import SPLITS, Recipe
from mmpipeline.text.language import detect_language

_USABLE_ID = re.compile(r"[^\s\x00-\x1f]{1,64}")
_USABLE_URL = re.compile(r"https?://[^\s\x00-\x1f]{1,2000}")
_LANGUAGE_SAMPLE = 4000


def is_usable_id(source_id: str) -> bool:
    """Tell whether a record can be kept under this id."""
    return _USABLE_ID.fullmatch(source_id) is not None


def convert_recipe(raw: RawRecipe) -> tuple[Recipe, list[Problem]]:
    """Clean and sort the fields of a record.

    Parameters
    ----------
    raw
        A record with a usable id.

    Returns
    -------
    recipe : Recipe
        Without photos.
    problems : list of Problem
        What became missing, and what was repaired.
    """
    problems: list[Problem] = []
    lines = read_ingredients([line.text for line in raw.ingredients or []])
    steps = [clean_dump_text(line.text) for line in raw.instructions or []]
    instructions = tuple(step for step in steps if step is not None)
    title = clean_dump_text(raw.title)
    problems += [("ingredients", "note_line", note) for note in lines.notes]
    problems += [
        ("ingredients", "fraction_repaired", f"{line} -> {repair.quantity:g} ({repair.confidence})")
        for line, repair in lines.repairs
    ]
    empty = {"ingredients": lines.empty_lines, "instructions": len(steps) - len(instructions)}
    problems += [(field, "empty_line", str(count)) for field, count in empty.items() if count]
    kept = {"title": title, "ingredients": lines.ingredients, "instructions": instructions}
    problems += [(field, "missing", "") for field, value in kept.items() if not value]
    url = raw.url.strip() if raw.url else None
    if url and not _USABLE_URL.fullmatch(url):
        problems.append(("url", "unusable_url", url))
        url = None
    if raw.partition not in SPLITS:
        problems.append(("partition", "unknown_partition", repr(raw.partition)))
    texts = [title or "", *(line.text for line in lines.ingredients), *instructions]
    recipe = Recipe(
        recipe_id=f"r1m:{raw.id}",
        source="r1m",
        source_partition=raw.partition if raw.partition in SPLITS else None,
        language=detect_language(" ".join(texts)[:_LANGUAGE_SAMPLE]),
        title=title,
        ingredients=lines.ingredients,
        instructions=instructions,
        url=url or None,
    )
    return recipe, problems
