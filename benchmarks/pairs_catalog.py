"""An invented catalogue of any size for the pair benchmark.

Made block by block from (seed, block), so that a larger catalogue holds the smaller one: adding a
block adds 1 % of new recipes and changes none. Dish sizes follow Zipf's law; a twentieth of the
recipes has no dish, a tenth no photo, a hundredth is a copy; every seventh dish is held out.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.schemas import CATALOG_SCHEMA

SEED = 2021
INGREDIENTS = 600
LINES = 8
ROW_GROUP_ROWS = 16_384


def write_catalog(folder: Path, block_rows: int, blocks: int, dishes: int, shuffled: bool) -> None:
    """Write a catalogue of blocks * block_rows recipes; `shuffled` writes them in another order."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.arange(blocks)
    if shuffled:
        np.random.default_rng(SEED).shuffle(numbers)
    with pq.ParquetWriter(folder / "recipes.parquet", CATALOG_SCHEMA, compression="zstd") as writer:
        for number in numbers:
            table = _make_block(int(number), block_rows, dishes)
            if shuffled:
                table = table.take(np.random.default_rng(number).permutation(block_rows))
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)


def _make_block(number: int, rows: int, dishes: int) -> pa.Table:
    chance = np.random.default_rng((SEED, number))
    shares = 1 / np.arange(1, dishes + 1)
    dish = chance.choice(dishes, rows, p=shares / shares.sum())
    split = chance.choice(3, rows, p=(0.7, 0.1, 0.2))
    is_copy = chance.random(rows) < 0.01
    is_copy[0] = False
    source = np.where(is_copy, np.arange(rows) - 1, np.arange(rows))
    for _ in range(8):  # a copy of a copy is a copy of the first
        source = source[source]
    dish = dish[source]
    is_held_out = dish % 7 == 3
    split = np.where(is_held_out & (split == 0), 2, split)[source]
    names = np.array(["train", "val", "test"])[split]
    is_english = chance.random(rows) < 0.5
    first = number * rows
    has_dish = (chance.random(rows) >= 0.05)[source]
    ids = [
        f"r1m:{first + row:010x}" if english else f"10k:{first + row:07d}"
        for row, english in enumerate(is_english)
    ]
    columns: dict[str, Any] = {
        "recipe_id": ids,
        "source": np.where(is_english, "r1m", "10k"),
        "language": np.where(is_english, "en", "ko"),
        "title": [f"recipe {first + row}" for row in range(rows)],
        "ingredients": _make_ingredients(dish, chance),
        "instructions": _repeat("cut, cook and serve", rows, 3),
        "images": _make_images(chance.random(rows) < 0.9),
        "tags": _repeat("", rows, 0),
        "categories": _repeat("", rows, 0),
        "dish": pa.array([f"dish-{word}" for word in dish], mask=~has_dish),
        "dish_set": pa.array(np.where(is_held_out, "unknown", "known"), mask=~has_dish),
        "group_id": [ids[row] for row in source],
        "split": names,
        "content_hash": ids,
    }
    arrays = [
        pa.array(columns[field.name]).cast(field.type)
        if field.name in columns
        else pa.nulls(rows, field.type)
        for field in CATALOG_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=CATALOG_SCHEMA)


def _make_ingredients(dish: np.ndarray, chance: np.random.Generator) -> pa.Array:
    """Dishes 2n and 2n + 1 share five of eight ingredients; one line in five is foreign."""
    rows = len(dish)
    line = np.arange(LINES)[None]
    shared = (dish[:, None] // 2 * 7919 + line * 104_729) % INGREDIENTS
    own = (dish[:, None] * 7907 + line * 104_723) % INGREDIENTS
    chosen = np.where(line < 5, shared, own)
    is_foreign = chance.random((rows, LINES)) < 0.2
    chosen = np.where(is_foreign, chance.integers(0, INGREDIENTS, (rows, LINES)), chosen)
    words = pa.array([f"ingredient {word}" for word in range(INGREDIENTS)])
    names = words.take(pa.array(chosen.ravel()))
    fields = CATALOG_SCHEMA.field("ingredients").type.value_type
    values = {"text": names, "name": names}
    lines = pa.StructArray.from_arrays(
        [values.get(field.name, pa.nulls(rows * LINES, field.type)) for field in fields],
        fields=list(fields),
    )
    return pa.ListArray.from_arrays(_offsets(rows, LINES), lines)


def _make_images(has_image: np.ndarray) -> pa.Array:
    fields = CATALOG_SCHEMA.field("images").type.value_type
    count = int(has_image.sum())
    values = {"id": pa.array(["1"] * count), "sha256": pa.array(["0f" * 32] * count)}
    photos = pa.StructArray.from_arrays(
        [values.get(field.name, pa.nulls(count, field.type)) for field in fields],
        fields=list(fields),
    )
    offsets = np.concatenate([[0], np.cumsum(has_image)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), photos)


def _repeat(text: str, rows: int, times: int) -> pa.Array:
    values = pa.array([text] * (rows * times), pa.string())
    return pa.ListArray.from_arrays(_offsets(rows, times), values)


def _offsets(rows: int, times: int) -> pa.Array:
    return pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(times))
