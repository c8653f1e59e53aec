"""What an index says about each of its recipes, for display: `items.parquet`.

Made from catalogue batches with Arrow's columns, a batch at a time; the row number is the row of
the vector.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ITEMS_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("title", pa.string()),
    pa.field("dish", pa.string()),
    pa.field("language", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("url", pa.string()),
    pa.field("author", pa.string()),
    pa.field("image_path", pa.string()),  # of its first photo, as stored
    pa.field("ingredients", pa.list_(pa.string()), nullable=False),  # names
    pa.field("tags", pa.list_(pa.string()), nullable=False),
])
CATALOG_COLUMNS = [
    "recipe_id", "title", "dish", "language", "source", "url", "author", "images", "ingredients",
    "tags", "dish_set", "split",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DishMeans:
    """Prototypes: the mean direction of each dish's recipes.

    Attributes
    ----------
    dishes
        Length D, sorted.
    recipes
        Length D: how many recipes went into each.
    prototypes
        Shape (D, E), of unit length.
    """

    dishes: list[str]
    recipes: list[int]
    prototypes: npt.NDArray[np.float32]


class DishSums:
    """Adds up unit vectors by dish, a batch at a time.

    A known dish is the mean of its training recipes, so that held-out recipes stay honest
    questions. An unknown dish was never trained on and is enrolled with all its recipes.

    Parameters
    ----------
    embedding_dim
        E.
    """

    def __init__(self, embedding_dim: int) -> None:
        self._embedding_dim = embedding_dim
        self._sums: dict[str, npt.NDArray[np.float64]] = {}
        self._recipes: dict[str, int] = {}

    def add(self, table: pa.Table, vectors: npt.NDArray[np.float32]) -> None:
        """Add recipes.

        Parameters
        ----------
        table
            B rows of the catalogue, with dish, dish_set and split.
        vectors
            Shape (B, E), of unit length.
        """
        trained = pc.and_(pc.equal(table["dish_set"], "known"), pc.equal(table["split"], "train"))
        counts_in = pc.or_kleene(trained, pc.equal(table["dish_set"], "unknown"))
        counts_in = pc.and_kleene(pc.fill_null(counts_in, False), pc.is_valid(table["dish"]))
        rows = np.flatnonzero(counts_in.to_numpy())
        dishes = np.array(table["dish"].take(rows).to_pylist(), dtype=object)
        for dish in sorted(set(dishes)):
            members = vectors[rows[dishes == dish]].astype(np.float64)
            self._sums[dish] = self._sums.get(dish, np.zeros(self._embedding_dim)) + members.sum(0)
            self._recipes[dish] = self._recipes.get(dish, 0) + len(members)

    def means(self) -> DishMeans:
        """Return the prototypes of all dishes met so far."""
        dishes = [dish for dish in sorted(self._sums) if np.linalg.norm(self._sums[dish]) > 0]
        prototypes = np.zeros((len(dishes), self._embedding_dim), dtype=np.float32)
        for row, dish in enumerate(dishes):
            prototypes[row] = self._sums[dish] / np.linalg.norm(self._sums[dish])
        return DishMeans(dishes, [self._recipes[dish] for dish in dishes], prototypes)


def make_items(table: pa.Table) -> pa.Table:
    """Turn catalogue rows into items.

    Parameters
    ----------
    table
        With `CATALOG_COLUMNS`.

    Returns
    -------
    pyarrow.Table
        With `ITEMS_SCHEMA`, row by row.
    """
    columns = {name: table[name] for name in ITEMS_SCHEMA.names if name in table.column_names}
    columns["image_path"] = first_paths(table["images"])
    columns["ingredients"] = ingredient_names(table["ingredients"])
    return pa.table({name: columns[name] for name in ITEMS_SCHEMA.names}).cast(ITEMS_SCHEMA)


def first_paths(images: pa.ChunkedArray) -> pa.Array:
    """Return the path of each recipe's first photo that has a file, null where none has."""
    owners = pc.list_parent_indices(images).to_numpy()
    paths = pc.struct_field(pc.list_flatten(images), "path")
    has_path = pc.is_valid(paths).to_numpy()
    owner, first = np.unique(owners[has_path], return_index=True)
    position = np.full(len(images), -1)
    position[owner] = np.flatnonzero(has_path)[first]
    return paths.take(pa.array(position, mask=position < 0)).combine_chunks()


def ingredient_names(ingredients: pa.ChunkedArray) -> pa.Array:
    """Return each recipe's ingredient names; the line itself where a name is unknown."""
    items = pc.list_flatten(ingredients).combine_chunks()
    names = pc.coalesce(pc.struct_field(items, "name"), pc.struct_field(items, "text"))
    lengths = pc.list_value_length(ingredients).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names)
