"""A dozen invented recipes with drawn photos, as a catalogue on the disk."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw

from mmpipeline.schemas import CATALOG_SCHEMA, Ingredient, Recipe, RecipeImage
from mmpipeline.storage import DataLayout


def draw_photo(seed: int, size: tuple[int, int] = (96, 64)) -> Image.Image:
    random = np.random.default_rng(seed)
    noise = random.integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
    photo = Image.fromarray(noise)
    draw = ImageDraw.Draw(photo)
    colour = tuple(int(value) for value in random.integers(60, 255, 3))
    draw.ellipse((10, 8, size[0] // 2, size[1] - 10), fill=colour)
    draw.line((0, 0, size[0], size[1] // 2), fill="white", width=3)
    return photo


def encode_bytes(photo: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, kind, **options)
    return buffer.getvalue()


def make_recipe(number: int, image_path: str | None) -> Recipe:
    images = () if image_path is None else (RecipeImage(id=f"p{number}", path=image_path),)
    return Recipe(
        recipe_id=f"10k:{number:07}",
        source="10k",
        language="ko",
        title=f"김치찌개 {number}번",
        ingredients=(
            Ingredient(text="두부 1모", name="두부", quantity=1, unit="모"),
            Ingredient(text=f"비밀재료{number} 약간"),
        ),
        instructions=("두부를 썬다.", f"{number}분 끓인다."),
        images=images,
    )


def write_catalog(folder: Path, recipes: list[Recipe]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for recipe in recipes:
        digest = hashlib.sha256(recipe.recipe_id.encode()).hexdigest()
        labels = {"dish": "kimchi-jjigae", "dish_set": "known", "split": "train"}
        rows.append(recipe.to_row() | labels | {"group_id": digest[:8], "content_hash": digest})
    table = pa.Table.from_pylist(rows, schema=CATALOG_SCHEMA)
    pq.write_table(table, folder / "recipes.parquet", write_page_checksum=True)
    return folder


@pytest.fixture
def layout(tmp_path: Path) -> DataLayout:
    return DataLayout.at(tmp_path / "data")


@pytest.fixture
def catalog(tmp_path: Path, layout: DataLayout) -> Path:
    """Twelve recipes: 0 without photo, 1 with a cut one, 2 with HEIC, 3 without any text."""
    photos = layout.root / "raw" / "photos"
    photos.mkdir(parents=True)
    recipes = []
    for number in range(12):
        content = encode_bytes(draw_photo(number), "JPEG", quality=90)
        if number == 1:
            content = content[: len(content) // 2]
        if number == 2:
            content = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)
        path = photos / f"{number}.jpg"
        path.write_bytes(content)
        recipes.append(make_recipe(number, layout.relative(path) if number else None))
    recipes[3] = Recipe(
        recipe_id=recipes[3].recipe_id,
        source="10k",
        language="ko",
        title="★★★",
        images=recipes[3].images,
    )
    return write_catalog(tmp_path / "catalog", recipes)
