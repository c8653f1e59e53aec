"""The scraper's store: one crawl at a time, any number of readers.

A store is a folder with ``archive/`` (pages as received), ``photos/`` and the crawl state.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from mmpipeline.errors import ArtifactError, BusyError
from mmpipeline.sources.tenthousand.store.state import CrawlState

ARCHIVE_FOLDER = "archive"
STATE_NAME = "state.sqlite"
_TABLES = files(__package__).joinpath("tables.sql").read_text(encoding="utf-8")


@contextmanager
def open_state(store: Path) -> Iterator[CrawlState]:
    """Open a store's crawl state for a crawl; only one process may have it.

    Parameters
    ----------
    store
        The store's folder; made when missing.

    Yields
    ------
    CrawlState
        With its tables.

    Raises
    ------
    BusyError
        If another crawl is at work in this store.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise BusyError(
                f"another crawl (process {lock.read().strip() or 'unknown'}) is at work in "
                f"{store}; wait until it has ended"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        with closing(_connect(store / STATE_NAME)) as connection:
            yield CrawlState(connection)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_TABLES)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ArtifactError(f"crawl state {path} cannot be used: {error}; move it away") from error
    return connection


@contextmanager
def read_state(store: Path) -> Iterator[CrawlState]:
    """Open a store's crawl state for reading; a crawl may be at work meanwhile.

    Raises
    ------
    ArtifactError
        If nothing was ever crawled into this store, or the file is damaged.
    """
    path = store / STATE_NAME
    if not path.is_file():
        raise ArtifactError(f"{store} holds no crawl state; run the scraper first")
    with closing(_connect(path)) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        yield CrawlState(connection)
