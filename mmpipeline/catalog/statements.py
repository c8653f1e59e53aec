"""The SQL of the catalogue, one statement a file in `sql/`."""

from importlib import resources

import duckdb


def read_statement(name: str) -> str:
    """Return the content of `sql/NAME.sql`."""
    return resources.files("mmpipeline.catalog").joinpath(f"sql/{name}.sql").read_text("utf-8")


def run_statement(
    connection: duckdb.DuckDBPyConnection, name: str, **parameters: float
) -> duckdb.DuckDBPyConnection:
    """Run `sql/NAME.sql`.

    Parameters
    ----------
    connection
        Where.
    name
        Name of the file, without its ending.
    parameters
        Values of the statement's ``$name`` places.

    Returns
    -------
    duckdb.DuckDBPyConnection
        To fetch the result from.
    """
    return connection.execute(read_statement(name), parameters or None)
