"""The row lookup of an opened version: by id, subset and filter; deleted rows are never found."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import IndexArray
from mmpipeline.errors import NotFoundError
from mmpipeline.search.ask.filters import find_rows
from mmpipeline.search.load import IndexParts, count_by_value
from mmpipeline.search.query import Filters
from mmpipeline.search.vectors.items import HIDDEN


class RowLookup:
    """Rows of one version.

    Parameters
    ----------
    version
        Its id, for messages.
    parts
        Its files.
    """

    def __init__(self, version: str, parts: IndexParts) -> None:
        self._version, self._parts = version, parts

    @cached_property
    def living(self) -> pa.Table:
        """Items that were not deleted, in the order of their rows."""
        parts = self._parts
        return parts.items if parts.alive is None else parts.items.filter(pa.array(parts.alive))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of living items of each dish and named subset."""
        sizes = count_by_value(self.living, "dish")
        return sizes | {name: len(ids) for name, ids in self._parts.members.items()}

    def row_of(self, recipe_id: str) -> int:
        """Return the row of a recipe.

        Raises
        ------
        NotFoundError
            If it is not here.
        """
        is_it = pc.equal(self._parts.items["recipe_id"], recipe_id).to_numpy()
        if self._parts.alive is not None:
            is_it = is_it & self._parts.alive
        rows = np.flatnonzero(is_it)
        if not len(rows):
            raise NotFoundError(f"no recipe {recipe_id[:80]!r} in index {self._version}")
        return int(rows[0])

    def rows_of(self, recipe_ids: Sequence[str]) -> IndexArray:
        """Return the rows of some recipes in one pass, ascending; what is not here has none."""
        if not recipe_ids:
            return np.zeros(0, np.intp)
        wanted = pc.is_in(self._parts.items["recipe_id"], pa.array(recipe_ids, pa.string()))
        return self._only_living(np.flatnonzero(wanted.to_numpy()))

    def read(self, row: int) -> dict[str, Any]:
        """Return one row of the items without the columns that are not shown."""
        found: dict[str, Any] = self._parts.items.slice(int(row), 1).to_pylist()[0]
        for name in HIDDEN:
            del found[name]
        return found

    def subset_rows(self, subset: str) -> IndexArray:
        """Return the rows of a dish or a named subset, ascending.

        Raises
        ------
        NotFoundError
            If there are none.
        """
        if subset in self._parts.members:
            ids = self._parts.members[subset]
            rows = np.flatnonzero(pc.is_in(self._parts.items["recipe_id"], ids).to_numpy())
        else:
            rows = find_rows(self._parts.items, Filters(dish=(subset,)))
        rows = self._only_living(rows)
        if not len(rows):
            examples = ", ".join(self._dishes[:3])
            raise NotFoundError(
                f"no recipe of the dish {subset[:80]!r} here; expected one such as {examples}"
            )
        return rows

    def _only_living(self, rows: IndexArray) -> IndexArray:
        return rows if self._parts.alive is None else rows[self._parts.alive[rows]]

    def choose_rows(self, filters: Filters | None, subset: str | None) -> IndexArray | None:
        """Return the only rows to look at; None means all."""
        rows = None if subset is None else self.subset_rows(subset)
        if not filters:
            return rows
        passing = self._only_living(find_rows(self._parts.items, filters))
        return passing if rows is None else np.intersect1d(rows, passing, assume_unique=True)

    @property
    def _dishes(self) -> list[str]:
        return [info.subset for info in self._parts.prototypes.infos if info.kind == "dish"]
