"""Lookups in the rows of an opened version: by id, subset and filter; never a deleted one."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import Float32Array, IndexArray
from mmpipeline.errors import NotFoundError, QueryError
from mmpipeline.search.ask.filters import find_rows
from mmpipeline.search.parts import IndexRows
from mmpipeline.search.query import Filters
from mmpipeline.search.results import Item
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

    def __init__(self, version: str, parts: IndexRows) -> None:
        self._version, self._parts = version, parts

    @cached_property
    def living(self) -> pa.Table:
        """Items that were not deleted, in the order of their rows."""
        parts = self._parts
        return parts.items if parts.alive is None else parts.items.filter(pa.array(parts.alive))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of living items of each dish and named subset."""
        sizes = _count_by_value(self.living, "dish")
        return sizes | {name: len(ids) for name, ids in self._parts.members.items()}

    @cached_property
    def dish_names(self) -> dict[str, tuple[str | None, str | None]]:
        """Korean and English name of each dish that has a prototype, by its key."""
        infos = self._parts.prototypes.infos
        return {info.subset: (info.name_ko, info.name_en) for info in infos if info.kind == "dish"}

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

    def item(self, recipe_id: str) -> Item:
        """Return a recipe as it is shown; raises as `row_of`."""
        row = self.read(self.row_of(recipe_id))
        return Item(**row | {name: tuple(row[name]) for name in ("ingredients", "tags")})

    def vector_of(self, recipe_id: str) -> Float32Array:
        """Return a recipe's vector, shape (E,); raises as `row_of`."""
        vector: Float32Array = self._parts.space.take(np.array([self.row_of(recipe_id)]))[0]
        return vector

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
            examples = ", ".join(self._parts.dishes[:3])
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

    def facets(self) -> dict[str, dict[str, int]]:
        """Return what can be filtered by: counts by value of each column."""
        columns = ("language", "source", "dish", "tags")
        return {name: _count_by_value(self.living, name) for name in columns}

    def example_title(self) -> str:
        """Return the title of the first recipe that has one and a dish.

        Raises
        ------
        QueryError
            If no recipe has both.
        """
        titles = self.living.filter(pc.is_valid(self.living["dish"]))["title"].drop_null()
        if not len(titles):
            raise QueryError("no recipe of this index has a title and a dish; ask by photo")
        title: str = titles[0].as_py()
        return title


def _count_by_value(items: pa.Table, column: str) -> dict[str, int]:
    """Return how many items have each value of a column, the most frequent first."""
    values = items[column]
    if pa.types.is_list(values.type):
        values = pc.list_flatten(values)
    counts = values.drop_null().value_counts().to_pylist()
    counts.sort(key=lambda entry: (-entry["counts"], entry["values"]))
    return {entry["values"]: entry["counts"] for entry in counts}
