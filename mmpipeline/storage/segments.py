"""A table in segments: files that are never rewritten, and what has changed since.

A folder holds `recipes.parquet` and, where rows were merged into it later, further files
`segments/0001.parquet`, ... in the order of merging. Two small files say what of them still holds:
`retired.parquet` names rows that were replaced or deleted, by segment and `recipe_id`;
`overlay.parquet` holds the new values of columns that changed, by `recipe_id`. A folder without
them is a table of one file. Segments are shared between versions by hard links, so a version
costs what changed in it, and removing one version leaves the others whole.

Reading costs one look-up a row in two small tables; rows come segment by segment.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mmpipeline.errors import ArtifactError
from mmpipeline.storage.parquet import read_parquet

BASE_NAME, OVERLAY_NAME, RETIRED_NAME = "recipes.parquet", "overlay.parquet", "retired.parquet"
SEGMENTS_FOLDER = "segments"
KEY = "recipe_id"
RETIRED_SCHEMA = pa.schema([
    pa.field("segment", pa.int32(), nullable=False),
    pa.field(KEY, pa.string(), nullable=False),
])
_BATCH_ROWS = 8192


def list_segments(folder: Path) -> list[Path]:
    """Return the files of a table, in the order of merging; the first is `recipes.parquet`."""
    return [folder / BASE_NAME, *sorted((folder / SEGMENTS_FOLDER).glob("*.parquet"))]


def recipe_files(folder: Path) -> list[Path]:
    """Return every file that the rows of a table are read from: segments, and what changed."""
    changes = [folder / name for name in (RETIRED_NAME, OVERLAY_NAME)]
    return [*list_segments(folder), *(path for path in changes if path.exists())]


def read_recipes(folder: Path, columns: list[str] | None = None) -> pa.Table:
    """Read the rows that hold, segment by segment.

    Parameters
    ----------
    folder
        Of the table.
    columns
        The columns to read; None reads all.

    Returns
    -------
    pyarrow.Table
        The rows.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged, or a column is not there.
    """
    schema = read_recipe_schema(folder)
    names = schema.names if columns is None else columns
    missing = [name for name in names if name not in schema.names]
    if missing:
        raise ArtifactError(f"{folder / BASE_NAME} lacks the columns {missing}")
    empty = pa.schema([schema.field(name) for name in names]).empty_table()
    return pa.concat_tables([empty, *iterate_recipes(folder, names)])


def read_recipe_schema(folder: Path) -> pa.Schema:
    """Return the columns of a table.

    Raises
    ------
    ArtifactError
        If the first segment cannot be read.
    """
    try:
        return pq.read_schema(folder / BASE_NAME)
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{folder / BASE_NAME} cannot be read: {error}") from error


def iterate_recipes(
    folder: Path, columns: list[str], batch_rows: int = _BATCH_ROWS
) -> Iterator[pa.Table]:
    """Read the rows that hold in batches, verifying page checksums.

    Parameters
    ----------
    folder
        Of the table.
    columns
        The columns to read.
    batch_rows
        Most rows of a batch.

    Yields
    ------
    pyarrow.Table
        At least one row.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged.
    """
    retired, overlay = _read_changes(folder)
    wanted = list(dict.fromkeys([*columns, KEY]))
    for number, path in enumerate(list_segments(folder)):
        gone = retired.filter(pc.equal(retired["segment"], number))[KEY].combine_chunks()
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(batch_size=batch_rows, columns=wanted):
                    table = pa.Table.from_batches([batch])
                    if len(gone):
                        table = table.filter(pc.invert(pc.is_in(table[KEY], value_set=gone)))
                    if table.num_rows:
                        yield _lay_over(table, overlay).select(columns)
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(f"{path} cannot be read: {error}") from error


def count_recipes(folder: Path) -> int:
    """Return how many rows hold, from the files' footers.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged.
    """
    names = list_segments(folder)
    retired = folder / RETIRED_NAME
    try:
        rows: int = sum(pq.read_metadata(path).num_rows for path in names)
        gone: int = pq.read_metadata(retired).num_rows if retired.exists() else 0
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{folder} cannot be read: {error}") from error
    return rows - gone


def recipes_sql(folder: Path) -> str:
    """Return the SELECT by which DuckDB reads the rows that hold.

    Parameters
    ----------
    folder
        Of the table.

    Returns
    -------
    str
        To be used as a subquery or a view.
    """
    files = list_segments(folder)
    parts = []
    for number, path in enumerate(files):
        part = f"SELECT * FROM read_parquet({_quoted(path)})"
        if (folder / RETIRED_NAME).exists():
            part += (
                f" WHERE {KEY} NOT IN (SELECT {KEY} FROM "
                f"read_parquet({_quoted(folder / RETIRED_NAME)}) WHERE segment = {number})"
            )
        parts.append(part)
    rows = " UNION ALL ".join(parts)
    overlay = folder / OVERLAY_NAME
    if not overlay.exists():
        return rows
    columns = [name for name in pq.read_schema(overlay).names if name != KEY]
    changed = ", ".join(
        f"CASE WHEN laid.{KEY} IS NULL THEN held.{name} ELSE laid.{name} END AS {name}"
        for name in columns
    )
    return (
        f"SELECT held.* REPLACE ({changed}) FROM ({rows}) AS held "
        f"LEFT JOIN read_parquet({_quoted(overlay)}) AS laid ON laid.{KEY} = held.{KEY}"
    )


def _read_changes(folder: Path) -> tuple[pa.Table, pa.Table | None]:
    retired, overlay = folder / RETIRED_NAME, folder / OVERLAY_NAME
    return (
        read_parquet(retired) if retired.exists() else RETIRED_SCHEMA.empty_table(),
        read_parquet(overlay).combine_chunks() if overlay.exists() else None,
    )


def _lay_over(table: pa.Table, overlay: pa.Table | None) -> pa.Table:
    """Replace values that changed since the segment was written."""
    if overlay is None or overlay.num_rows == 0:
        return table
    places = pc.index_in(table[KEY], value_set=overlay[KEY].combine_chunks()).combine_chunks()
    is_changed = places.is_valid()
    if not pc.any(is_changed).as_py():
        return table
    for name in overlay.column_names:
        if name != KEY and name in table.column_names:
            field = table.schema.field(name)
            laid = overlay[name].combine_chunks().take(places).cast(field.type)
            values = pc.if_else(is_changed, laid, table[name].combine_chunks())
            table = table.set_column(table.schema.get_field_index(name), field, values)
    return table


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
