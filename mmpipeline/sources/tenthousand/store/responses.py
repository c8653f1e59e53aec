"""The table of responses: where each lies in the archive.

The table is what the archive is held against after a crash: bytes behind the last recorded record
are cut off, and a page whose recorded bytes are not there is fetched again.
"""

import hashlib
import sqlite3
from pathlib import Path

from mmpipeline.web.archive import ArchivePlace
from mmpipeline.web.fetcher import Response


class ResponseTable:
    """The responses of one store, inside its crawl state.

    Parameters
    ----------
    connection
        The crawl state's database; whoever calls a method that writes holds a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def add(self, kind: str, response: Response, place: ArchivePlace) -> int:
        """Record where a response lies in the archive; return its row id."""
        cursor = self._db.execute(
            "INSERT INTO responses (kind, url, status, fetched_at, sha256, segment, offset, length)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                kind,
                response.url,
                response.status,
                response.fetched_at,
                hashlib.sha256(response.body).hexdigest(),
                place.segment,
                place.offset,
                place.length,
            ],
        )
        return int(cursor.lastrowid or 0)

    def good_bytes(self) -> dict[str, int]:
        """Return the length up to which each archive segment is recorded."""
        rows = self._db.execute("SELECT segment, max(offset + length) FROM responses GROUP BY 1")
        return dict(rows.fetchall())

    def forget_lost(self, folder: Path) -> int:
        """Put pages whose bytes are not in the archive (power cut) back to do; return how many."""
        lost = 0
        for segment, needed in self.good_bytes().items():
            path = folder / segment
            kept = path.stat().st_size if path.is_file() else 0
            if kept >= needed:
                continue
            condition = "SELECT id FROM responses WHERE segment = ? AND offset + length > ?"
            lost += self._db.execute(
                "UPDATE pages SET status = 'todo', response_id = NULL, read_response_id = NULL,"
                " etag = NULL, last_modified = NULL, content_hash = NULL"
                f" WHERE response_id IN ({condition}) OR read_response_id IN ({condition})",
                [segment, kept, segment, kept],
            ).rowcount
            self._db.execute(f"DELETE FROM responses WHERE id IN ({condition})", [segment, kept])
        return lost
