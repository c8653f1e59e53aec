"""The findings of a walk over lists: new recipes, and which stand on which list.

Lists are categories, searches and rankings. A recipe's own page does not say its categories, so
these rows are the only source of them.
"""

import sqlite3
from collections.abc import Iterable


class ListTable:
    """The lists of one store, inside its crawl state.

    Parameters
    ----------
    connection
        The crawl state's database; whoever calls a method that writes holds a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def add(self, name: str, numbers: Iterable[int]) -> None:
        """Note that recipes stand on a list, such as that of the category ``cat4=55``."""
        self._db.executemany(
            "INSERT OR IGNORE INTO listings VALUES (?, ?)", [(number, name) for number in numbers]
        )

    def count_known(self, name: str, numbers: Iterable[int]) -> int:
        """Count those recipes that are known to stand on a list."""
        query = "SELECT count(*) FROM listings WHERE number = ? AND list = ?"
        return sum(self._db.execute(query, [number, name]).fetchone()[0] for number in numbers)

    def add_listed(self, number: int, *, joined: bool, seen_at: str) -> bool:
        """Note that a recipe was found; return whether it was unknown."""
        cursor = self._db.execute(
            "INSERT INTO pages (number, joined, first_seen) VALUES (?, ?, ?)"
            " ON CONFLICT (number) DO NOTHING",
            [number, joined, seen_at],
        )
        return cursor.rowcount > 0

    def set_card_facts(self, number: int, views: int | None, reviews: int | None) -> None:
        """Keep what the list card says of a recipe."""
        self._db.execute(
            "UPDATE pages SET views = coalesce(?, views), reviews = coalesce(?, reviews)"
            " WHERE number = ?",
            [views, reviews, number],
        )

    def count_joined(self, numbers: Iterable[int]) -> int:
        """Count those recipes below which every list entry is already known."""
        return sum(
            self._db.execute(
                "SELECT count(*) FROM pages WHERE number = ? AND joined", [number]
            ).fetchone()[0]
            for number in numbers
        )

    def join_all(self) -> None:
        """Note that the walk met known ground: no list entry in between is unknown."""
        self._db.execute("UPDATE pages SET joined = 1 WHERE NOT joined")
