"""What an index says about each of its recipes, for display: `items.arrow`.

Made from catalogue batches with Arrow's columns, a batch at a time; the row number is the row of
the vector.
"""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
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
    pa.field("group_id", pa.string(), nullable=False),  # recipes that are copies of one another
    pa.field("fingerprint", pa.string(), nullable=False),  # of all that is indexed of it, hex
])
HIDDEN = ("group_id", "fingerprint")
"""Columns that are not shown."""
_LISTS = ("ingredients", "tags")
_LINE, _FIELD, _NOTHING = "\n", "\x1f", "\x00"
CATALOG_COLUMNS = [
    "recipe_id", "title", "dish", "language", "source", "url", "author", "images", "ingredients",
    "tags", "group_id", "dish_set", "split",
]  # fmt: skip


def make_items(table: pa.Table, features: Iterable[bytes]) -> pa.Table:
    """Turn catalogue rows into items.

    Parameters
    ----------
    table
        With `CATALOG_COLUMNS`.
    features
        Of each row, the bytes of its feature vectors; they go into the fingerprint.

    Returns
    -------
    pyarrow.Table
        With `ITEMS_SCHEMA`, row by row.
    """
    columns = {name: table[name] for name in ITEMS_SCHEMA.names if name in table.column_names}
    columns["image_path"] = first_paths(table["images"])
    columns["ingredients"] = ingredient_names(table["ingredients"])
    columns["fingerprint"] = _fingerprints(columns, features)
    return pa.table({name: columns[name] for name in ITEMS_SCHEMA.names}).cast(ITEMS_SCHEMA)


def _fingerprints(columns: Mapping[str, pa.Array], features: Iterable[bytes]) -> pa.Array:
    """Digest what is shown and what is embedded of each row: equal rows need no new vector."""
    texts = [
        pc.fill_null(pc.binary_join(column, _LINE) if name in _LISTS else column, _NOTHING)
        for name, column in columns.items()
    ]
    joined = pc.binary_join_element_wise(*texts, _FIELD).to_pylist()
    return pa.array([
        hashlib.blake2b(text.encode() + b"\0" + vectors, digest_size=16).hexdigest()
        for text, vectors in zip(joined, features, strict=True)
    ])


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
