"""The items of an index, for display: `items.arrow`.

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
_ESCAPES = (("\\", "\\\\"), (_LINE, "\\n"), (_FIELD, "\\u"), (_NOTHING, "\\0"))
_EMPTY_LINE, _NO_LINE = "\\e", "\\-"
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
        pc.fill_null(_join_lines(column) if name in _LISTS else _escape(column), _NOTHING)
        for name, column in columns.items()
    ]
    joined = pc.binary_join_element_wise(*texts, _FIELD).to_pylist()
    return pa.array([
        hashlib.blake2b(text.encode() + b"\0" + vectors, digest_size=16).hexdigest()
        for text, vectors in zip(joined, features, strict=True)
    ])


def _escape(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Rewrite what marks where texts end, so that no two rows are joined to one text."""
    for mark, written in _ESCAPES:
        texts = pc.replace_substring(texts, mark, written)
    return texts


def _join_lines(lists: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Join each list of texts; an empty list, one of an empty text and none at all differ."""
    lines = _escape(pc.list_flatten(lists))
    lines = pc.if_else(pc.equal(lines, ""), _EMPTY_LINE, lines)
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    joined = pc.binary_join(_group(pc.fill_null(lines, _NO_LINE), lengths), _LINE)
    return pc.if_else(pc.is_valid(lists), joined, None)


def _group(values: pa.Array | pa.ChunkedArray, lengths: pa.Array | pa.ChunkedArray) -> pa.ListArray:
    """Cut values into lists of some lengths."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(lengths.to_numpy())]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


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
    return _group(names, pc.list_value_length(ingredients))
