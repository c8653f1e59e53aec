"""Which recipes are copies of one another, and on which side of the split each group stands.

Exact copies and shared photos are found in SQL, near copies by `near_copies`. With the catalogue
before at hand no recipe changes its side. Where new or changed recipes link groups of different
sides, those recipes are excluded, and the others stay where they were, under their old groups.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.catalog.copies import group_copies
from mmpipeline.catalog.near_copies import NearCopyFinder, iterate_pairs
from mmpipeline.catalog.statements import read_statement, run_statement
from mmpipeline.config import CatalogConfig
from mmpipeline.storage.parquet import read_parquet

_BATCH_ROWS = 8192
_GROUPS = pa.schema([("recipe_id", pa.string()), ("group_id", pa.string())])
_PARTED = pa.schema([*_GROUPS, ("is_excluded", pa.bool_())])
_BEFORE = ("recipe_id", "group_id", "split", "content_hash")

MixedMember = tuple[str, str, str | None, str | None, bool | None]
"""Recipe id, group now, group and side before, whether the content is what it was."""


def group_recipes(
    connection: duckdb.DuckDBPyConnection, config: CatalogConfig, temporary: Path
) -> list[tuple[str, str]]:
    """Fill the tables `contents` and `copy_groups` from the view `recipes`.

    Parameters
    ----------
    connection
        Holds `recipes` and the macros.
    config
        Bounds of what counts as a copy.
    temporary
        Existing folder for the folded texts and their shingles.

    Returns
    -------
    list of tuple of str
        The pairs of copies.
    """
    folded = temporary / "folded.parquet"
    copy = f"COPY ({read_statement('folded')}) TO '{_quoted(folded)}' (FORMAT parquet)"
    connection.execute(copy)
    connection.from_parquet(str(folded)).create_view("folded")
    run_statement(connection, "contents")
    found = run_statement(connection, "copies", max_sharers=config.max_photo_sharers)
    pairs: list[tuple[str, str]] = found.fetchall()
    pairs += _find_near_copies(connection, config, temporary / "shingles")
    groups = group_copies(pairs)
    columns = [list(groups), list(groups.values())]
    _create_table(connection, "copy_groups", pa.table(columns, schema=_GROUPS))
    return pairs


def split_groups(
    connection: duckdb.DuckDBPyConnection,
    config: CatalogConfig,
    pairs: Iterable[tuple[str, str]],
    previous: Path | None,
) -> None:
    """Fill the tables `members` and `splits`.

    Parameters
    ----------
    connection
        Holds what `group_recipes` made.
    config
        Seed and shares.
    pairs
        What `group_recipes` returned.
    previous
        Folder of the catalogue before; None when there is none.

    Raises
    ------
    ArtifactError
        If the catalogue before cannot be read.
    """
    before = _read_before(previous)
    _create_table(connection, "all_before", before)
    sides = before.filter(pc.not_equal(before["split"], "excluded"))
    _create_table(connection, "sides_before", sides)
    mixed: list[MixedMember] = run_statement(connection, "mixed").fetchall()
    parted = part_mixed_groups(mixed, pairs)
    columns = [list(column) for column in zip(*parted, strict=True)] or [[], [], []]
    _create_table(connection, "parted", pa.table(columns, schema=_PARTED))
    run_statement(connection, "members")
    run_statement(
        connection,
        "splits",
        seed=config.seed,
        val_share=config.val_share,
        test_share=config.test_share,
    )


def part_mixed_groups(
    members: Iterable[MixedMember], pairs: Iterable[tuple[str, str]]
) -> list[tuple[str, str, bool]]:
    """Take apart groups whose members had different sides.

    Parameters
    ----------
    members
        All members of such groups.
    pairs
        Pairs of copies; those of other groups do not matter.

    Returns
    -------
    list of tuple
        Recipe id, group and whether it is excluded. What was there before and is unchanged keeps
        its group; of two such that are copies of one another the newer one is excluded.
    """
    rows = list(members)
    sides = {
        recipe_id: side for recipe_id, _, _, side, is_unchanged in rows if side and is_unchanged
    }
    for pair in pairs:
        first, second = (sides.get(name) for name in pair)
        if first and second and first != second:
            del sides[max(pair, key=lambda name: (len(name), name))]
    return [
        (recipe_id, (before or group) if recipe_id in sides else group, recipe_id not in sides)
        for recipe_id, group, before, _, _ in rows
    ]


def _find_near_copies(
    connection: duckdb.DuckDBPyConnection, config: CatalogConfig, shingles: Path
) -> list[tuple[str, str]]:
    ids: list[pa.Array] = []
    with closing(NearCopyFinder(shingles, config.near_copy_similarity)) as finder:
        for batch in connection.sql(read_statement("bodies")).to_arrow_reader(_BATCH_ROWS):
            ids.append(batch.column(0).cast(pa.string()))
            finder.add(batch.column(1).cast(pa.string()))
        recipe_ids = pa.concat_arrays(ids) if ids else pa.array([], pa.string())
        # In order of ids, not of rows, so that the result does not depend on how the rows came.
        order = pc.sort_indices(recipe_ids).to_numpy(zero_copy_only=False).astype(np.int64)
        return list(iterate_pairs(finder.find(order), recipe_ids))


def _read_before(previous: Path | None) -> pa.Table:
    """Return id, group, side and content hash of all that was known before."""
    schema = pa.schema([(name, pa.string()) for name in _BEFORE])
    if previous is None:
        return schema.empty_table()
    files = [previous / name for name in ("recipes.parquet", "tombstones.parquet")]
    tables = [read_parquet(file, list(_BEFORE)).cast(schema) for file in files if file.exists()]
    return pa.concat_tables([schema.empty_table(), *tables])


def _create_table(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    connection.register(f"{name}_rows", table)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")
    connection.unregister(f"{name}_rows")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
