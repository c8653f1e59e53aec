"""The SQL of the pair table, one statement a file in `sql/`, run with the parameters it names.

DuckDB refuses parameters that a statement does not use, so they are picked from the statement's
own text; everything else about a statement is in its file.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

import duckdb


def read_statement(name: str) -> str:
    """Return the SQL of one statement.

    Parameters
    ----------
    name
        File name in `sql/` without its suffix.

    Returns
    -------
    str
        The statement with its header comment.
    """
    return (files("mmpipeline.pairs") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def run_statement(
    connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, object]
) -> duckdb.DuckDBPyConnection:
    """Execute one statement of `sql/`.

    Parameters
    ----------
    connection
        Where to run it.
    name
        File name in `sql/` without its suffix.
    values
        Parameters by name; those that the statement does not name are ignored.

    Returns
    -------
    duckdb.DuckDBPyConnection
        The connection, from which rows can be fetched.
    """
    statement = read_statement(name)
    named = set(re.findall(r"\$([a-z_]+)", re.sub(r"--.*", "", statement)))
    return connection.execute(statement, {key: values[key] for key in sorted(named)})
