"""Writes what a pairs artifact holds, from plain rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.pairs.table import COPY_SCHEMA, PAIR_SCHEMA
from mmpipeline.training.pairs.reader import DISHES, PARTS


def write_pairs(folder: Path, rows: list[dict[str, Any]], group_rows: int = 10_000) -> None:
    """Write a pair table; rows that say nothing of kind and weight get plain ones."""
    names = [*PARTS, *DISHES, "label", "kind", "split", "weight", "language_pair"]
    plain = {"kind": "negative_both", "weight": 1.0, "language_pair": "ko-en"}
    schema = PAIR_SCHEMA.empty_table().select(names).schema
    table = pa.Table.from_pylist([plain | row for row in rows], schema=schema)
    pq.write_table(table, folder / "pairs.parquet", row_group_size=group_rows)


def write_copies(folder: Path, copies: list[tuple[str, str]]) -> None:
    columns = {
        "recipe_id": [recipe for recipe, _ in copies],
        "first_recipe_id": [first for _, first in copies],
    }
    pq.write_table(pa.table(columns, schema=COPY_SCHEMA), folder / "copies.parquet")
