"""Groups of copied recipes, and the split of each group.

Exact copies and shared photos are found in SQL, near copies by `near_copies`. With the catalogue
before at hand no recipe changes its side. Where new or changed recipes link groups of different
sides, those recipes are excluded, and the others stay where they were. A group is named by its
oldest member that has its side, so no two groups get one name, whoever left them.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.catalog.duplicates.copies import group_copies
from mmpipeline.catalog.duplicates.near_copies import NearCopyFinder, iterate_pairs
from mmpipeline.catalog.statements import read_statement, run_statement
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.storage.parquet import ParquetSink, read_parquet
from mmpipeline.storage.segments import read_recipes

_BATCH_ROWS = 8192
_IDS_NAME = "ids.parquet"
_IDS = pa.schema([("recipe_id", pa.string())])
_GROUPS = pa.schema([("recipe_id", pa.string()), ("group_id", pa.string())])
_PARTED = pa.schema([*_GROUPS, ("is_excluded", pa.bool_())])
_BEFORE = ("recipe_id", "group_id", "split", "content_hash")

MixedMember = tuple[str, str, str | None, str | None, bool | None]
"""Recipe id, group now, group and side before, whether the content is what it was."""


def fold_recipes(connection: duckdb.DuckDBPyConnection, folded: Path) -> None:
    """Fill the view `folded` from `recipes`, and the table `contents` from it and `kept`.

    Parameters
    ----------
    connection
        Holds `recipes`, `kept` and the macros.
    folded
        File to be written with the folded texts.
    """
    copy = f"COPY ({read_statement('folded')}) TO '{_quoted(folded)}' (FORMAT parquet)"
    connection.execute(copy)
    connection.from_parquet(str(folded)).create_view("folded")
    run_statement(connection, "contents")


def group_recipes(
    connection: duckdb.DuckDBPyConnection,
    config: CatalogConfig,
    index: Path,
    earlier: Sequence[Path] = (),
) -> list[tuple[str, str]]:
    """Fill the table `copy_groups`.

    Parameters
    ----------
    connection
        Holds `folded`, `contents` and `kept`.
    config
        Bounds of what counts as a copy.
    index
        Folder that gets the near-copy index of the folded texts.
    earlier
        Folders of the indexes of segments that `kept` is from.

    Returns
    -------
    list of tuple of str
        The pairs of copies.
    """
    found = run_statement(connection, "copies", max_sharers=config.max_photo_sharers)
    pairs: list[tuple[str, str]] = found.fetchall()
    pairs += _find_near_copies(connection, config, index, earlier)
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
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
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
        Recipe id, group and whether it is excluded. What was there before and is unchanged stays
        together; of two such that are copies of one another the newer one is excluded.
    """
    rows = list(members)
    sides = {
        recipe_id: side for recipe_id, _, _, side, is_unchanged in rows if side and is_unchanged
    }
    for pair in pairs:
        first, second = (sides.get(name) for name in pair)
        if first and second and first != second:
            del sides[max(pair, key=lambda name: (len(name), name))]
    names: dict[tuple[str, str], str] = {}
    for recipe_id, group, before, _, _ in sorted(rows, key=lambda row: (len(row[0]), row[0])):
        if recipe_id in sides:
            names.setdefault((group, before or group), recipe_id)
    return [
        (recipe_id, names[group, before or group], False)
        if recipe_id in sides
        else (recipe_id, group, True)
        for recipe_id, group, before, _, _ in rows
    ]


def _find_near_copies(
    connection: duckdb.DuckDBPyConnection,
    config: CatalogConfig,
    index: Path,
    earlier: Sequence[Path],
) -> list[tuple[str, str]]:
    ids: list[pa.Array] = []
    with closing(NearCopyFinder(index, config.near_copy_similarity, earlier)) as finder:
        for batch in connection.sql(read_statement("bodies")).to_arrow_reader(_BATCH_ROWS):
            ids.append(batch.column(0).cast(pa.string()))
            finder.add(batch.column(1).cast(pa.string()))
        added = pa.concat_arrays([pa.array([], pa.string()), *ids])
        with ParquetSink(index / _IDS_NAME, _IDS) as sink:
            sink.write_table(pa.table([added], schema=_IDS))
        parts, holds = [], []
        for segment, folder in enumerate(earlier):
            parts.append(read_parquet(folder / _IDS_NAME)["recipe_id"].combine_chunks())
            query = f"SELECT recipe_id FROM kept WHERE segment = {segment}"
            kept = connection.sql(query).to_arrow_table()["recipe_id"]
            holds.append(pc.is_in(parts[-1], value_set=kept.cast(pa.string()).combine_chunks()))
        recipe_ids = pa.concat_arrays([*parts, added])
        is_held = np.ones(len(recipe_ids), bool)
        before = len(recipe_ids) - len(added)
        is_held[:before] = pa.concat_arrays([pa.array([], pa.bool_()), *holds])
        # In order of ids, not of rows, so that the result does not depend on how the rows came.
        order = pc.sort_indices(recipe_ids).to_numpy(zero_copy_only=False).astype(np.int64)
        return list(iterate_pairs(finder.find(order[is_held[order]]), recipe_ids))


def _read_before(previous: Path | None) -> pa.Table:
    """Return id, group, side and content hash of all that was known before."""
    schema = pa.schema([(name, pa.string()) for name in _BEFORE])
    if previous is None:
        return schema.empty_table()
    tables = [read_recipes(previous, list(_BEFORE))]
    tombstones = previous / "tombstones.parquet"
    if tombstones.exists():
        tables.append(read_parquet(tombstones, list(_BEFORE)))
    return pa.concat_tables([schema.empty_table(), *(table.cast(schema) for table in tables)])


def _create_table(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    connection.register(f"{name}_rows", table)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")
    connection.unregister(f"{name}_rows")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
