"""Segments read as one table by every reader: Arrow whole, in batches, and DuckDB."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.storage.segments import (
    RETIRED_SCHEMA,
    count_recipes,
    iterate_recipes,
    list_segments,
    read_recipes,
    recipes_sql,
)

SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    ("title", pa.string()),
    ("dish", pa.string()),
    ("weight", pa.float32()),
])
Rows = list[tuple[str, str | None, str | None, float | None]]


def write(path: Path, rows: Rows, schema: pa.Schema = SCHEMA) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(
        [dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema
    )
    pq.write_table(table, path, write_page_checksum=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold three segments: b was replaced in the second, c is gone, a's dish has changed."""
    folder = tmp_path / "it's a table"
    write(folder / "recipes.parquet", [(n, n.upper(), "pie", 1.0) for n in "abcd"])
    write(folder / "segments/0001.parquet", [("b", "B2", "tart", 2.0), ("e", None, "pie", None)])
    write(folder / "segments/0002.parquet", [("f", "F", None, 3.0)])
    retired = pa.table([[0, 0], ["b", "c"]], schema=RETIRED_SCHEMA)
    pq.write_table(retired, folder / "retired.parquet")
    laid = pa.schema([SCHEMA.field(name) for name in ("recipe_id", "dish", "weight")])
    overlay = pa.table([["a", "f"], [None, "stew"], [0.5, None]], schema=laid)
    pq.write_table(overlay, folder / "overlay.parquet")
    return folder


EXPECTED = [
    ("a", "A", None, 0.5),
    ("d", "D", "pie", 1.0),
    ("b", "B2", "tart", 2.0),
    ("e", None, "pie", None),
    ("f", "F", "stew", None),
]


def test_all_readers_agree(folder: Path) -> None:
    table = read_recipes(folder)
    assert table.schema == SCHEMA
    assert [tuple(row.values()) for row in table.to_pylist()] == EXPECTED
    assert sorted(duckdb.sql(recipes_sql(folder)).fetchall()) == sorted(EXPECTED)
    assert count_recipes(folder) == len(EXPECTED)
    batches = list(iterate_recipes(folder, ["dish", "title"], batch_rows=1))
    assert [batch.num_rows for batch in batches] == [1] * len(EXPECTED)
    assert pa.concat_tables(batches).column_names == ["dish", "title"]
    assert read_recipes(folder, ["dish"])["dish"].to_pylist() == [row[2] for row in EXPECTED]


def test_one_file_is_a_table(tmp_path: Path) -> None:
    rows: Rows = [("a", "A", None, 1.0)]
    write(tmp_path / "recipes.parquet", rows)
    assert list_segments(tmp_path) == [tmp_path / "recipes.parquet"]
    assert read_recipes(tmp_path) == pq.read_table(tmp_path / "recipes.parquet")
    assert duckdb.sql(recipes_sql(tmp_path)).fetchall() == rows
    assert count_recipes(tmp_path) == 1


def test_damage_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="lacks the columns"):
        read_recipes(folder, ["recipe_id", "colour"])
    (folder / "segments/0001.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match=r"0001\.parquet cannot be read"):
        read_recipes(folder)
    with pytest.raises(ArtifactError, match="cannot be read"):
        count_recipes(folder)
    with pytest.raises(ArtifactError, match=r"recipes\.parquet cannot be read"):
        read_recipes(tmp_path)
