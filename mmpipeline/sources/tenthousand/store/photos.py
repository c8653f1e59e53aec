"""The table of photos: which there are, which are kept, and which recipes show them.

A photo is ``todo``, ``done`` or ``failed`` with a reason. One address is fetched once however many
recipes show it; a photo that no recipe shows any more leaves the store.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo as kept in the store.

    Attributes
    ----------
    file
        Path below the store's folder.
    width, height
        Pixels of the upright photo: after the turn that its EXIF tag asks for.
    size_bytes
        Length of the file, which is as received.
    """

    sha256: str
    file: str
    width: int
    height: int
    size_bytes: int


class PhotoTable:
    """The photos of one store, inside its crawl state.

    Parameters
    ----------
    connection
        The crawl state's database; whoever calls a method that writes holds a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def set_recipe(self, number: int, urls: Iterable[str]) -> list[str]:
        """Set which photos a recipe has; return the files that no recipe has any more."""
        wanted = set(urls)
        before = self.of_recipe(number)
        for url in sorted(wanted - before):
            self._db.execute("INSERT INTO photos (url) VALUES (?) ON CONFLICT DO NOTHING", [url])
            self._db.execute("INSERT INTO recipe_photos VALUES (?, ?)", [number, url])
        orphans = []
        for url in sorted(before - wanted):
            self._db.execute(
                "DELETE FROM recipe_photos WHERE number = ? AND url = ?", [number, url]
            )
            orphans += self._drop_unused(url)
        return orphans

    def of_recipe(self, number: int) -> set[str]:
        """Return the addresses of a recipe's photos, fetched or not."""
        rows = self._db.execute("SELECT url FROM recipe_photos WHERE number = ?", [number])
        return {row[0] for row in rows}

    def _drop_unused(self, url: str) -> list[str]:
        used = self._db.execute("SELECT 1 FROM recipe_photos WHERE url = ? LIMIT 1", [url])
        if used.fetchone():
            return []
        row = self._db.execute("DELETE FROM photos WHERE url = ? RETURNING file", [url]).fetchone()
        if row is None or row[0] is None:
            return []
        shared = self._db.execute("SELECT 1 FROM photos WHERE file = ? LIMIT 1", [row[0]])
        return [] if shared.fetchone() else [str(row[0])]

    def next(self) -> tuple[str, int] | None:
        """Return address and number of failed attempts of a photo that is to be fetched."""
        row = self._db.execute(
            "SELECT p.url, p.attempts FROM photos p"
            " WHERE p.status = 'todo' ORDER BY p.rowid LIMIT 1"
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def count(self, status: str) -> int:
        """Count photos of a status."""
        row = self._db.execute("SELECT count(*) FROM photos WHERE status = ?", [status])
        return int(row.fetchone()[0])

    def mark_done(self, url: str, photo: StoredPhoto, fetched_at: str) -> None:
        """Note where a photo is kept."""
        self._db.execute(
            "UPDATE photos SET status = 'done', reason = NULL, sha256 = ?, file = ?, width = ?,"
            " height = ?, bytes = ?, fetched_at = ? WHERE url = ?",
            [
                photo.sha256,
                photo.file,
                photo.width,
                photo.height,
                photo.size_bytes,
                fetched_at,
                url,
            ],
        )

    def mark_failed(self, url: str, reason: str, *, is_final: bool) -> None:
        """Note why a photo could not be had."""
        self._db.execute(
            "UPDATE photos SET status = 'failed', reason = ?,"
            " attempts = CASE WHEN ? THEN ? ELSE attempts + 1 END WHERE url = ?",
            [reason, is_final, MAX_ATTEMPTS, url],
        )

    def find(self, url: str) -> StoredPhoto | None:
        """Return a kept photo by its address."""
        row = self._db.execute(
            "SELECT sha256, file, width, height, bytes FROM photos"
            " WHERE url = ? AND status = 'done'",
            [url],
        ).fetchone()
        return None if row is None else StoredPhoto(*row)
