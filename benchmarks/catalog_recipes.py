"""Generated recipes for the catalogue, with planted copies and near copies.

Every recipe is a list of words of its own. A planted near copy has words replaced until its word
3-shingles agree with the original's to a similarity drawn between 0.7 and 0.95; how similar it
turned out is computed by the definition, and a copy that fell below 0.7 is drawn again.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from mmpipeline.catalog.duplicates.shingles import jaccard
from mmpipeline.schemas import QUARANTINE_SCHEMA, RECIPE_SCHEMA
from mmpipeline.storage.parquet import ParquetSink

LEAST_SIMILARITY, MOST_SIMILARITY = 0.7, 0.95
COPY_SHARE = 0.05
_SYLLABLES = [a + b for a in "bcdfghklmnprstvz" for b in "aeiou"]
_TITLE_WORDS, _LINES, _LINE_WORDS, _STEPS = 3, 7, 3, 7
_CHUNK = 5000

Pair = tuple[str, str]


def write_sources(folder: Path, recipes: int, seed: int = 2021) -> tuple[list[Pair], list[Pair]]:
    """Write one source artifact of recipes of both kinds.

    Parameters
    ----------
    folder
        Gets `recipes.parquet` and `quarantine.parquet`.
    recipes
        How many in all; 5 in 100 are exact copies of others and 5 in 100 near copies.
    seed
        The content follows from it.

    Returns
    -------
    exact, near : list of tuple of str
        Original and copy.
    """
    draw = random.Random(seed)
    vocabulary = ["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))) for _ in range(4000)]
    planted: dict[str, list[Pair]] = {"exact": [], "near": []}
    with ParquetSink(folder / "recipes.parquet", RECIPE_SCHEMA) as sink:
        rows: list[tuple[int, list[str]]] = []
        for row in _recipes(recipes, draw, vocabulary, planted):
            rows.append(row)
            if len(rows) == _CHUNK:
                sink.write_table(_table(rows, draw))
                rows = []
        sink.write_table(_table(rows, draw))
    with ParquetSink(folder / "quarantine.parquet", QUARANTINE_SCHEMA):
        pass
    return planted["exact"], planted["near"]


def recipe_id_at(number: int) -> str:
    """Return the id of a recipe; every second one comes from the site."""
    return f"10k:{6_000_000 + number}" if number % 2 else f"r1m:{number:010x}"


def _recipes(
    recipes: int, draw: random.Random, vocabulary: list[str], planted: dict[str, list[Pair]]
) -> Iterator[tuple[int, list[str]]]:
    number = 0
    while number < recipes:
        words = draw.choices(vocabulary, k=draw.randint(70, 130))
        yield number, words
        original = number
        number += 1
        luck = draw.random()
        if luck < 2 * COPY_SHARE / (1 - 2 * COPY_SHARE) and number < recipes:
            kind = "near" if luck < COPY_SHARE / (1 - 2 * COPY_SHARE) else "exact"
            yield number, _change(words, draw, vocabulary) if kind == "near" else words
            planted[kind].append((recipe_id_at(original), recipe_id_at(number)))
            number += 1


def _change(words: list[str], draw: random.Random, vocabulary: list[str]) -> list[str]:
    text = " ".join(words)
    while True:
        target = draw.uniform(LEAST_SIMILARITY, MOST_SIMILARITY)
        shingles = len(words) - 2
        changes = max(1, round(shingles * (1 - target) / (1 + target) / 3))
        changed = list(words)
        for position in draw.sample(range(len(words)), changes):
            changed[position] = draw.choice(vocabulary)
        if LEAST_SIMILARITY <= jaccard(text, " ".join(changed)) < 1:
            return changed


def _table(rows: list[tuple[int, list[str]]], draw: random.Random) -> pa.Table:
    return pa.Table.from_pylist([_row(number, words, draw) for number, words in rows],
                                schema=RECIPE_SCHEMA)  # fmt: skip


def _row(number: int, words: list[str], draw: random.Random) -> dict[str, Any]:
    recipe_id = recipe_id_at(number)
    is_scraped = recipe_id.startswith("10k")
    start = _TITLE_WORDS + _LINES * _LINE_WORDS
    lines = [
        " ".join(words[position : position + _LINE_WORDS])
        for position in range(_TITLE_WORDS, start, _LINE_WORDS)
    ]
    length = -(-(len(words) - start) // _STEPS)
    steps = [" ".join(words[p : p + length]) for p in range(start, len(words), length)]
    return {
        "recipe_id": recipe_id,
        "source": recipe_id[:3],
        "language": "en",
        "source_partition": None if is_scraped else draw.choice(("train", "train", "val", "test")),
        "title": " ".join(words[:_TITLE_WORDS]),
        "ingredients": [{"text": line, "name": line} for line in lines],
        "instructions": steps,
        "images": [],
        "tags": [],
        "categories": [],
    }
