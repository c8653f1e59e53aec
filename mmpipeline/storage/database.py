"""DuckDB connections with limits.

Every connection names its memory limit, its threads and where it may spill, so that a large
refresh slows down instead of taking the machine with it. It spills into a folder of its own:
DuckDB names its files by the process id, and two containers that share a folder have the same ones.
"""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmpipeline.storage.held import hold_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


@contextmanager
def connect_database(
    temporary: Path, *, memory_limit: str = "1GB", threads: int = 0
) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open an in-memory DuckDB that spills to a folder when its memory limit is reached.

    Parameters
    ----------
    temporary
        Folder for folders of spilled data; made when missing.
    memory_limit
        In DuckDB's notation, such as ``1GB``.
    threads
        Worker threads; 0 means all cores.

    Yields
    ------
    duckdb.DuckDBPyConnection
        Closed at the end of the block.
    """
    import duckdb  # here, for worker processes that need none import this package too

    with hold_folder(temporary, "duckdb") as spill, duckdb.connect(":memory:") as connection:
        connection.execute("SET memory_limit = ?", [memory_limit])
        connection.execute("SET temp_directory = ?", [str(spill)])
        connection.execute("SET enable_progress_bar = false")
        if threads:
            connection.execute("SET threads = ?", [threads])
        yield connection
