from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.schemas import (
    QUARANTINE_SCHEMA,
    RECIPE_SCHEMA,
    Ingredient,
    QuarantineRow,
    Recipe,
    RecipeImage,
)
from mmpipeline.storage import ParquetSink


@pytest.fixture
def make_recipe() -> Callable[..., Recipe]:
    """Make a recipe with invented content of its own."""

    def make(recipe_id: str, photo: str | None = None, **fields: Any) -> Recipe:  # noqa: ANN401 -- any field of a recipe
        is_korean = recipe_id.startswith("10k")
        values: dict[str, Any] = {
            "recipe_id": recipe_id,
            "source": recipe_id.split(":", maxsplit=1)[0],
            "language": "ko" if is_korean else "en",
            "title": f"지어낸 음식 {recipe_id}" if is_korean else f"Invented thing {recipe_id}",
            "ingredients": (Ingredient(text="2 cups invented flour"),),
            "instructions": (f"Mix everything as number {recipe_id} says, then bake it.",),
            "source_partition": None if is_korean else "train",
        }
        if photo:
            values["images"] = (RecipeImage(id="p", path=f"photos/{photo}.jpg", sha256=photo),)
        return Recipe(**values | fields)

    return make


@pytest.fixture
def write_source(tmp_path: Path) -> Callable[..., Path]:
    """Write a source artifact's tables."""

    def write(
        name: str, recipes: Sequence[Recipe], quarantine: Sequence[QuarantineRow] = ()
    ) -> Path:
        folder = tmp_path / name
        with ParquetSink(folder / "recipes.parquet", RECIPE_SCHEMA) as sink:
            for recipe in recipes:
                sink.append(recipe.to_row())
        with ParquetSink(folder / "quarantine.parquet", QUARANTINE_SCHEMA) as sink:
            for row in quarantine:
                sink.append(row.to_row())
        return folder

    return write
