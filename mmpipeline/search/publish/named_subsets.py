"""Named subsets of the data, given as SQL over the catalogue.

The SQL comes from a config file, yet it is treated as foreign: one SELECT, in a database that can
read the catalogue's recipes and nothing else, with a memory limit and a time limit. It selects
`recipe_id` from the table `recipes`.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from mmpipeline.errors import ConfigError
from mmpipeline.storage.database import connect_database
from mmpipeline.storage.segments import recipe_files, recipes_sql

LIMIT_S = 60.0
MEMORY = "1GB"


def select_members(
    catalog: Path, subsets: Mapping[str, str], temporary: Path, limit_s: float = LIMIT_S
) -> dict[str, pa.Array]:
    """Ask which recipes belong to each named subset.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact.
    subsets
        By name, ``SELECT recipe_id FROM recipes WHERE ...``.
    temporary
        Folder for spilled data.
    limit_s
        Seconds that one query may take.

    Returns
    -------
    dict of str to pyarrow.Array
        By name, the ids in ascending order, each once.

    Raises
    ------
    ConfigError
        If a query is no single SELECT, fails, takes too long, or selects no `recipe_id`.
    """
    if not subsets:
        return {}
    with connect_database(temporary, memory_limit=MEMORY, threads=1) as connection:
        _lock_down(connection, catalog)
        return {name: _select(connection, name, sql, limit_s) for name, sql in subsets.items()}


def _lock_down(connection: duckdb.DuckDBPyConnection, catalog: Path) -> None:
    """Let the connection read the catalogue's recipes, and nothing change that."""
    files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in recipe_files(catalog))
    connection.execute(f"CREATE VIEW recipes AS {recipes_sql(catalog)}")
    connection.execute("SET python_enable_replacements = false")
    connection.execute(f"SET allowed_paths = [{files}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _select(connection: duckdb.DuckDBPyConnection, name: str, sql: str, limit_s: float) -> pa.Array:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise ConfigError(f"index.subsets {name!r}: {_first_line(error)}") from error
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise ConfigError(f"index.subsets {name!r}: expected one SELECT, found {sql[:80]!r}")
    timer = threading.Timer(limit_s, connection.interrupt)
    timer.start()
    try:
        found: pa.Table = connection.sql(sql).to_arrow_table()
    except duckdb.InterruptException as error:
        raise ConfigError(f"index.subsets {name!r} took more than {limit_s:g} s") from error
    except duckdb.Error as error:
        raise ConfigError(f"index.subsets {name!r}: {_first_line(error)}") from error
    finally:
        timer.cancel()
    if found.column_names != ["recipe_id"] or not pa.types.is_string(found.schema.types[0]):
        raise ConfigError(
            f"index.subsets {name!r}: expected one column recipe_id, found "
            f"{', '.join(found.column_names)}"
        )
    ids = found["recipe_id"].combine_chunks().drop_null().unique()
    return ids.take(pa.compute.array_sort_indices(ids))


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().split("\n")[0]
