"""The table of lists that recipes stand on: categories, searches, rankings.

A recipe's own page does not say its categories, so these rows are the only source of them.
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
