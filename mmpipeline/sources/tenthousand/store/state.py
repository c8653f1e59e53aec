"""The state of the crawl: which pages there are, which are done, what became of each.

One SQLite file in WAL mode. A page is marked in the same transaction that records where its
bytes lie in the archive, so after a kill the next run fetches exactly the pages that are not
marked. Commits are not flushed to the disk one by one: a power cut may cost the last few pages,
which are then fetched again, and never consistency.

A page is ``todo``, ``recheck`` (known, due to be asked for again), ``fetched`` (in the archive,
not read yet), ``done`` (read: it has a content hash), ``deleted``, ``failed`` or
``skipped_robots``; the last three with a reason.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from mmpipeline.sources.tenthousand.store.lists import ListTable
from mmpipeline.sources.tenthousand.store.photos import MAX_ATTEMPTS, PhotoTable
from mmpipeline.sources.tenthousand.store.responses import ResponseTable
from mmpipeline.web.archive import ArchivePlace
from mmpipeline.web.fetcher import Response

_HAS_CONTENT = "p.content_hash IS NOT NULL AND p.read_response_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page that has something to be done about it."""

    number: int
    attempts: int
    content_hash: str | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class ReadablePage:
    """A page in the archive, with what the lists said of it."""

    number: int
    place: ArchivePlace
    content_hash: str | None
    categories: tuple[str, ...]


class CrawlState:
    """The crawl state of one store; open it with `store.open_state`.

    Parameters
    ----------
    connection
        SQLite database with the tables.

    Attributes
    ----------
    photos
        Its table of photos.
    lists
        Its table of which recipe stands on which list.
    responses
        Its table of what lies where in the archive.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.photos = PhotoTable(connection)
        self.lists = ListTable(connection)
        self.responses = ResponseTable(connection)

    def __enter__(self) -> Self:
        """Begin a transaction (they do not nest)."""
        self._db.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit, or undo everything when the block failed."""
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")

    # --- settings that outlive a run

    def get(self, key: str) -> str | None:
        """Return a remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return None if row is None else row[0]

    def set(self, key: str, value: str | None) -> None:
        """Remember a value."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])

    # --- pages

    def count_pages(self, *statuses: str) -> int:
        """Count pages of some statuses."""
        marks = ", ".join("?" * len(statuses))
        row = self._db.execute(
            f"SELECT count(*) FROM pages WHERE status IN ({marks})", statuses
        ).fetchone()
        return int(row[0])

    def retry_failed(self) -> int:
        """Put failed pages and photos back to do unless they failed too often; return how many."""
        retried = 0
        for table in ("pages", "photos"):
            retried += self._db.execute(
                f"UPDATE {table} SET status = 'todo' WHERE status = 'failed' AND attempts < ?",
                [MAX_ATTEMPTS],
            ).rowcount
        retried += self._db.execute(
            "UPDATE pages SET status = 'todo' WHERE status = 'skipped_robots'"
        ).rowcount
        return retried

    def mark_due(self, checked_before: str, limit: int, now: str) -> int:
        """Put the pages that were not asked for longest back to be asked for; return how many.

        Parameters
        ----------
        checked_before
            ISO 8601, UTC: a page that was asked for since is not due.
        limit
            Most pages that may wait to be asked for again.
        now
            ISO 8601, UTC: what was asked for later, by a clock that was wrong, is due.
        """
        room = limit - self.count_pages("recheck")
        return self._db.execute(
            "UPDATE pages SET status = 'recheck' WHERE number IN (SELECT number FROM pages"
            " WHERE status IN ('done', 'failed') AND (checked_at < ? OR checked_at > ?)"
            " ORDER BY checked_at, number DESC LIMIT ?)",
            [checked_before, now, max(0, room)],
        ).rowcount

    def mark_relisted(self, number: int, checked_before: str) -> None:
        """Ask again for a deleted recipe that a list shows, unless that was done just now."""
        self._db.execute(
            "UPDATE pages SET status = 'todo'"
            " WHERE number = ? AND status = 'deleted' AND checked_at < ?",
            [number, checked_before],
        )

    def next_page(self, statuses: Iterable[str] = ("todo", "recheck")) -> PageRow | None:
        """Return the page to be fetched next: the newest to do, else the longest unasked."""
        for status in statuses:
            order = "number DESC" if status == "todo" else "checked_at, number DESC"
            row = self._db.execute(
                "SELECT number, attempts, content_hash, etag, last_modified FROM pages"
                f" WHERE status = ? ORDER BY {order} LIMIT 1",
                [status],
            ).fetchone()
            if row is not None:
                return PageRow(*row)
        return None

    def restore_read(self, number: int, reason: str) -> None:
        """Keep what a page said before: what came last cannot be read."""
        self._db.execute(
            "UPDATE pages SET status = 'failed', reason = ?, attempts = attempts + 1,"
            " response_id = read_response_id, etag = NULL, last_modified = NULL WHERE number = ?",
            [reason, number],
        )

    def mark_page(self, number: int, status: str, reason: str | None, checked_at: str) -> None:
        """Set what became of asking for a page."""
        self._db.execute(
            "UPDATE pages SET status = ?, reason = ?, checked_at = ?,"
            " attempts = CASE WHEN ? = 'failed' THEN attempts + 1 ELSE 0 END WHERE number = ?",
            [status, reason, checked_at, status, number],
        )

    def has_body(self, number: int, body: bytes) -> bool:
        """Tell whether a page that was read had this very body."""
        row = self._db.execute(
            "SELECT r.sha256 FROM pages p JOIN responses r ON r.id = p.read_response_id"
            " WHERE p.number = ? AND p.content_hash IS NOT NULL",
            [number],
        ).fetchone()
        return row is not None and row[0] == hashlib.sha256(body).hexdigest()

    def mark_fetched(self, number: int, response: Response, response_id: int) -> None:
        """Note that a page lies in the archive and is to be read."""
        self.mark_page(number, "fetched", None, response.fetched_at)
        self._db.execute("UPDATE pages SET response_id = ? WHERE number = ?", [response_id, number])
        self.set_validators(number, response)

    def set_validators(self, number: int, response: Response) -> None:
        """Keep what the next request for a page is made conditional on."""
        self._db.execute(
            "UPDATE pages SET etag = ?, last_modified = ? WHERE number = ?",
            [response.header("ETag"), response.header("Last-Modified"), number],
        )

    def mark_read(self, number: int, content_hash: str) -> None:
        """Note a page's parsed content; keep the history of its changes."""
        changed = self._db.execute(
            "SELECT coalesce(content_hash, '') <> ? FROM pages WHERE number = ?",
            [content_hash, number],
        ).fetchone()
        self._db.execute(
            "UPDATE pages SET status = 'done', content_hash = ?, read_response_id = response_id"
            " WHERE number = ?",
            [content_hash, number],
        )
        if changed and changed[0]:
            self._db.execute(
                "INSERT INTO history SELECT number, content_hash, 'done', checked_at FROM pages"
                " WHERE number = ?",
                [number],
            )

    def mark_deleted(self, number: int, reason: str, checked_at: str) -> list[str]:
        """Note that a recipe is gone; return the files of photos that only it had."""
        self.mark_page(number, "deleted", reason, checked_at)
        self._db.execute(
            "UPDATE pages SET content_hash = NULL, read_response_id = NULL WHERE number = ?",
            [number],
        )
        self._db.execute("INSERT INTO history VALUES (?, NULL, 'deleted', ?)", [number, checked_at])
        return self.photos.set_recipe(number, [])

    def pages_to_read(self) -> Iterator[ReadablePage]:
        """Yield pages that were fetched and not read since, by number."""
        return self._pages_in_archive("p.status = 'fetched'", "response_id")

    def pages_with_content(self) -> Iterator[ReadablePage]:
        """Yield pages that were ever read and are not deleted, by number.

        A page whose last request failed is among them: what it said before still holds.
        """
        return self._pages_in_archive(_HAS_CONTENT, "read_response_id")

    def count_with_content(self) -> int:
        """Count the pages that `pages_with_content` yields."""
        row = self._db.execute(f"SELECT count(*) FROM pages p WHERE {_HAS_CONTENT}").fetchone()
        return int(row[0])

    def _pages_in_archive(self, condition: str, response: str) -> Iterator[ReadablePage]:
        rows = self._db.execute(
            "SELECT number, segment, offset, length, content_hash,"
            " (SELECT group_concat(list, ' ') FROM (SELECT list FROM listings l"
            "   WHERE l.number = p.number AND list GLOB 'cat[1-4]=*' ORDER BY list))"
            f" FROM pages p JOIN responses r ON r.id = p.{response}"
            f" WHERE {condition} ORDER BY number"
        )
        for number, segment, offset, length, content_hash, codes in rows:
            place = ArchivePlace(segment, offset, length)
            yield ReadablePage(number, place, content_hash, tuple((codes or "").split()))

    def snapshot_id(self) -> str:
        """Return a hash of everything that decides the parsed result: 16 hex digits."""
        digest = hashlib.sha256()
        pages = f"SELECT number, content_hash FROM pages p WHERE {_HAS_CONTENT} ORDER BY 1"
        codes = (
            "SELECT l.number, l.list FROM listings l JOIN pages p USING (number)"
            f" WHERE {_HAS_CONTENT} AND l.list GLOB 'cat[1-4]=*' ORDER BY 1, 2"
        )
        photos = "SELECT url, sha256 FROM photos WHERE status = 'done' ORDER BY url"
        for query in (pages, codes, photos):
            for row in self._db.execute(query):
                digest.update(repr(row).encode())
            digest.update(b"\n")
        return digest.hexdigest()[:16]
