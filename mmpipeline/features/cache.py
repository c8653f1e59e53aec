"""The cache of encoded contents: one SQLite file an encoder, rows under the sha256 of the content.

An unchanged photo or text is so never encoded twice, however often the catalogue is refreshed. A
row is only ever added, a batch in one transaction, so a killed run keeps what it had encoded. Each
row carries a checksum over key and value; one that fails is as good as absent, and a file that is
no database is begun anew: the cache is never the only place of anything. It costs as much disk as
the matrices. Deleting a file, or `prune_cache`, is safe at any time but during a run.
"""

import hashlib
import logging
import math
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mmpipeline.errors import ArtifactError

log = logging.getLogger(__name__)

_TABLE = """
CREATE TABLE IF NOT EXISTS encoded (
    key BLOB PRIMARY KEY NOT NULL,
    value BLOB NOT NULL,
    checksum INTEGER NOT NULL
)
"""
_KEYS_AT_ONCE = 500


def content_key(content: bytes) -> bytes:
    """Return the key of a content: its sha256, 32 bytes."""
    return hashlib.sha256(content).digest()


class EncodingCache:
    """What one encoder has made of contents.

    Parameters
    ----------
    folder
        Of all caches; made when missing. None keeps nothing.
    fingerprint
        Of the encoder, and of whatever else decides its result; names the file.
    """

    def __init__(self, folder: Path | None, fingerprint: str) -> None:
        self._path = None if folder is None else folder / f"{fingerprint}.sqlite"
        self._connection = None if self._path is None else _open(self._path)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Look contents up.

        Parameters
        ----------
        keys
            See `content_key`.

        Returns
        -------
        dict of bytes to bytes
            The values that are there and whole.
        """
        if self._connection is None:
            return {}
        wanted = list(dict.fromkeys(keys))
        found: dict[bytes, bytes] = {}
        try:
            for start in range(0, len(wanted), _KEYS_AT_ONCE):
                some = wanted[start : start + _KEYS_AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = self._connection.execute(
                    f"SELECT key, value, checksum FROM encoded WHERE key IN ({marks})", some
                )
                found |= {key: value for key, value, check in rows if check == _sum(key, value)}
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
        return found

    def put(self, values: Mapping[bytes, bytes]) -> None:
        """Keep values, all or none; what is there under a key is replaced."""
        if self._connection is None or not values:
            return
        rows = [(key, value, _sum(key, value)) for key, value in values.items()]
        try:
            self._insert(self._connection, rows)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            self._insert(self._connection, rows)

    @staticmethod
    def _insert(connection: sqlite3.Connection, rows: list[tuple[bytes, bytes, int]]) -> None:
        with connection:
            connection.executemany("INSERT OR REPLACE INTO encoded VALUES (?, ?, ?)", rows)

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Replace a damaged file by an empty one.

        Raises
        ------
        sqlite3.DatabaseError
            If the file is not damaged, but busy, or the disk is full.
        """
        if not _is_damage(error):
            raise error
        if self._path is None or self._connection is None:
            return
        log.warning("the cache %s is damaged (%s) and is begun anew", self._path.name, error)
        self._connection.close()
        _remove(self._path)
        self._connection = _open(self._path)

    def __enter__(self) -> Self:
        """Return the cache."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()


def unused_caches(folder: Path, keep: Iterable[str], before: float = math.inf) -> list[Path]:
    """Return the caches of encoders that are no longer used.

    Parameters
    ----------
    folder
        Of all caches; need not exist.
    keep
        Fingerprints whose files stay.
    before
        Files that were written to at this time or later stay as well; seconds since the epoch.

    Returns
    -------
    list of Path
        By name.
    """
    kept = set(keep)
    return [
        path
        for path in sorted(folder.glob("*.sqlite"))
        if path.stem not in kept
        and all(part.stat().st_mtime < before for part in _parts(path) if part.exists())
    ]


def prune_cache(folder: Path, keep: Iterable[str], before: float = math.inf) -> int:
    """Delete what `unused_caches` names.

    Parameters
    ----------
    folder, keep, before
        As there.

    Returns
    -------
    int
        Bytes that were freed.
    """
    return sum(_remove(path) for path in unused_caches(folder, keep, before))


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise ArtifactError(
                f"the feature cache {path} cannot be used ({error}); is the disk full, or may this "
                "user not write there?"
            ) from error
        log.warning("the cache %s is damaged (%s) and is begun anew", path.name, error)
        _remove(path)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_TABLE)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return type(error) is sqlite3.DatabaseError  # its subclasses: busy, full, refused


def _parts(path: Path) -> list[Path]:
    return [path, *(path.with_name(f"{path.name}-{part}") for part in ("wal", "shm"))]


def _remove(path: Path) -> int:
    freed = 0
    for part in _parts(path):
        if part.exists():
            freed += part.stat().st_size
            part.unlink()
    return freed


def _sum(key: bytes, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(key))
