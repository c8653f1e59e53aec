"""DuckDB connections with limits.

Every connection names its memory limit, its threads and where it may spill, so that a large
refresh slows down instead of taking the machine with it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect_database(
    temporary: Path, *, memory_limit: str = "1GB", threads: int = 0
) -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB that spills to a folder when its memory limit is reached.

    Parameters
    ----------
    temporary
        Folder for spilled data; made when missing.
    memory_limit
        In DuckDB's notation, such as ``1GB``.
    threads
        Worker threads; 0 means all cores.

    Returns
    -------
    duckdb.DuckDBPyConnection
        To be closed by the caller (it is a context manager).
    """
    import duckdb  # here, for worker processes that need none import this package too

    temporary.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(":memory:")
    connection.execute("SET memory_limit = ?", [memory_limit])
    connection.execute("SET temp_directory = ?", [str(temporary)])
    connection.execute("SET enable_progress_bar = false")
    if threads:
        connection.execute("SET threads = ?", [threads])
    return connection
