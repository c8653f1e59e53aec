"""Rows in, the same rows out; a damaged file is refused."""

from pathlib import Path

import pyarrow as pa
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.schemas import RECIPE_SCHEMA, Ingredient, Recipe, RecipeImage
from mmpipeline.storage import ParquetSink, read_parquet

RECIPE = Recipe(
    recipe_id="10k:7000001",
    source="10k",
    language="ko",
    title="김치찌개",
    ingredients=(Ingredient(text="김치 1/2포기", name="김치", quantity=0.5, unit="포기"),),
    instructions=("끓인다.",),
    images=(RecipeImage(id="a.jpg"),),
)


def test_recipes_survive_the_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "recipes.parquet"
    with ParquetSink(path, RECIPE_SCHEMA) as sink:
        for _ in range(3):
            sink.append(RECIPE.to_row())
        sink.write_table(pa.Table.from_pylist([RECIPE.to_row()], schema=RECIPE_SCHEMA))
    assert sink.rows_written == 4
    table = read_parquet(path)
    assert table.schema == RECIPE_SCHEMA
    row = table.to_pylist()[3]
    assert row["ingredients"][0]["quantity"] == 0.5
    assert row["minutes"] is None


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipes.parquet"
    with ParquetSink(path, pa.schema([("number", pa.int64())])) as sink:
        for number in range(1000):
            sink.append({"number": number})
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_parquet(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nothing\.parquet"):
        read_parquet(tmp_path / "nothing.parquet")
