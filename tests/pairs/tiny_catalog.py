"""Tiny catalogues to make pairs from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.config import PairConfig
from mmpipeline.pairs import build_pairs
from mmpipeline.schemas import CATALOG_SCHEMA, Ingredient, Recipe, RecipeImage

HELD_OUT = "dish-held-out"


@dataclass(frozen=True)
class Row:
    """What of a catalogue row matters to pairs."""

    recipe_id: str
    dish: str | None = "dish-a"
    split: str = "train"
    group: str | None = None
    language: str = "ko"
    has_image: bool = True
    has_text: bool = True
    ingredients: tuple[str, ...] = ()

    @property
    def group_id(self) -> str:
        return self.group or self.recipe_id

    @property
    def shows_text(self) -> bool:
        return self.has_text or bool(self.ingredients)

    @property
    def is_whole(self) -> bool:
        return self.has_image and self.shows_text

    @property
    def may_pair(self) -> bool:
        held_out = self.split == "train" and self.dish == HELD_OUT
        return (self.has_image or self.shows_text) and not held_out

    def to_catalog(self) -> dict[str, Any]:
        image = RecipeImage(id="1", sha256="ab" if self.has_image else None)
        recipe = Recipe(
            recipe_id=self.recipe_id,
            source="10k",
            language=self.language,
            title=f"title of {self.recipe_id}" if self.has_text else None,
            ingredients=tuple(Ingredient(text=name, name=name) for name in self.ingredients),
            images=(image,),
        )
        known = "unknown" if self.dish == HELD_OUT else "known"
        return recipe.to_row() | {
            "dish": self.dish,
            "dish_set": None if self.dish is None else known,
            "group_id": self.group_id,
            "split": self.split,
            "content_hash": self.recipe_id,
        }


def write_catalog(folder: Path, rows: Sequence[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([row.to_catalog() for row in rows], schema=CATALOG_SCHEMA)
    pq.write_table(table, folder / "recipes.parquet", row_group_size=64)
    return folder


def make_pairs(
    folder: Path, rows: Sequence[Row], config: PairConfig, threads: int = 1
) -> list[dict[str, Any]]:
    """Write the catalogue, make the pairs, and return them as plain rows."""
    catalog = write_catalog(folder / "catalog", rows)
    target = folder / "pairs"
    target.mkdir(exist_ok=True)
    build_pairs(catalog, target, config, folder / "tmp", "256MB", threads)
    pairs: list[dict[str, Any]] = pq.read_table(target / "pairs.parquet").to_pylist()
    return pairs


def anchor_of(pair: dict[str, Any]) -> str:
    return str(pair["left_image"] or pair["left_text"])


def partner_of(pair: dict[str, Any]) -> str:
    """The recipe that is paired with the anchor: it gives the right side, or half of it."""
    image, text = pair["right_image"], pair["right_text"]
    if pair["kind"] == "negative_image":
        return str(image)
    return str(text or image)


def varied_rows(recipes: int, dishes: int) -> list[Row]:
    """Rows of several dishes, splits and languages, with gaps and copies, without chance."""
    return [
        Row(
            recipe_id=f"10k:{number:05d}",
            dish=None if number % 11 == 5 else f"dish-{(number * number) % dishes}",
            split=("train", "train", "train", "val", "test")[number % 5],
            group=f"group-{number // 40}" if number % 40 < 2 else None,
            language="ko" if number % 3 else "en",
            has_image=number % 7 != 0,
            has_text=number % 13 != 0,
            ingredients=tuple(
                f"ingredient {((number * number) % dishes) // 2 * 3 + line}" for line in range(4)
            ),
        )
        for number in range(recipes)
    ]
