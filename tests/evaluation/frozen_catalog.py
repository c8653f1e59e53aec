"""A catalogue of the real schema with photos, a few recipes of a few dishes."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from mmpipeline.schemas import CATALOG_SCHEMA

WORDS = ("kimchi", "tofu", "apple", "noodle")
EMPTY: dict[str, Any] = {field.name: None for field in CATALOG_SCHEMA} | {
    "tags": [],
    "categories": [],
    "instructions": [],
    "ingredients": [],
    "images": [],
}


def make_recipe(root: Path, dish: int, number: int, split: str) -> dict[str, Any]:
    name, word = f"r1m:{dish}{number:03d}", WORDS[dish]
    path = root / "photos" / f"{dish}-{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), (60 * dish, 200 - 5 * number, 90)).save(path)
    return EMPTY | {
        "recipe_id": name,
        "source": "recipe1m",
        "language": "ko" if number % 2 else "en",
        "title": f"{word} of cook {number}",
        "ingredients": [{"text": f"2 {word}", "name": word}, {"text": "salt", "name": "salt"}],
        "instructions": [f"Boil {word}.", f"Wait {number} minutes."],
        "images": [{"id": "a", "path": str(path.relative_to(root))}],
        "dish": word,
        "dish_set": "unknown" if dish == 3 else "known",
        "group_id": f"g:{name}",
        "split": split,
        "content_hash": f"hash of {name}",
    }


def make_rows(root: Path, per_dish: int = 6) -> list[dict[str, Any]]:
    """Four dishes; the first two recipes of each train, the others are held out."""
    return [
        make_recipe(root, dish, number, "train" if number < 2 else "test")
        for dish in range(len(WORDS))
        for number in range(per_dish)
    ]


def write_catalog(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, CATALOG_SCHEMA), folder / "recipes.parquet")
    return folder
