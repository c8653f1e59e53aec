"""The pair table as a file: numbers of recipes in, names out.

DuckDB chooses the pairs and hands them over as numbers in their final order; here the numbers are
replaced by names, a row group at a time. Done in Arrow, because a join promises no order and
sorting thirteen million rows of names costs more than choosing them; writing from dictionaries
took half the CPU of `COPY`, and the pages get checksums.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.arrays import BoolArray, Int64Array, UInt64Array
from mmpipeline.errors import StageError
from mmpipeline.pairs.statements import read_statement

ROW_GROUP_PAIRS = 131_072
_SLOT_BITS = 8  # more slots than any config can ask for
_DROPPED_BITS = 1 + _SLOT_BITS  # of 64: the sign and the slot

PAIR_SCHEMA = pa.schema([
    pa.field("pair_id", pa.int64(), nullable=False),  # 55 bits of the anchor's md5, 8 of the slot
    pa.field("left_image", pa.string()),  # recipe_id of the anchor, or null: no photo
    pa.field("left_text", pa.string()),  # recipe_id of the anchor, or null: no text
    pa.field("right_image", pa.string()),  # recipe_id whose photo is shown
    pa.field("right_text", pa.string()),  # recipe_id whose text is read
    pa.field("left_image_dish", pa.string()),
    pa.field("left_text_dish", pa.string()),
    pa.field("right_image_dish", pa.string()),
    pa.field("right_text_dish", pa.string()),
    pa.field("label", pa.int8(), nullable=False),  # 1 positive, 0 negative
    pa.field("kind", pa.string(), nullable=False),
    pa.field("split", pa.string(), nullable=False),
    pa.field("rank", pa.int16(), nullable=False),  # 1 is the nearest of its kind on the ring
    pa.field("language_pair", pa.string(), nullable=False),  # "ko-en": anchor's, right text's
    pa.field("weight", pa.float32(), nullable=False),  # sampling weight of the anchor, mean 1
])
"""One row a pair; all pairs of an anchor stand together, and never in two row groups."""

COPY_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("first_recipe_id", pa.string(), nullable=False),  # the same for all of a group
])
"""One row a recipe of which the pair table holds a copy."""

_DICTIONARY_COLUMNS = [
    field.name
    for field in PAIR_SCHEMA
    if pa.types.is_string(field.type) and not field.name.startswith("right_")
] + ["right_image_dish", "right_text_dish"]

# The bounds of a row group tell something only where the order of the rows shows; taking them of
# every string costs a third of the writing.
_SORTED_COLUMNS = ["pair_id", "label", "split"]


def write_pairs(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the pairs of table `slot` with names, anchor by anchor along the ring.

    Parameters
    ----------
    connection
        A database that holds the tables `recipe`, `dish_weight`, `pair_kind` and `slot`.
    path
        Parquet file to write.

    Raises
    ------
    StageError
        If two recipes share the bits of their md5 that pair ids are made of.
    """
    names = PairNames(
        recipes=connection.sql(read_statement("names")).to_arrow_table(),
        kinds=connection.sql(read_statement("kind_list")).to_arrow_table(),
    )
    slots = connection.sql(read_statement("ordered_slots")).to_arrow_reader(ROW_GROUP_PAIRS)
    write_named(path, names, cut_between_anchors(slots, ROW_GROUP_PAIRS))


def write_copies(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the recipes that have copies, so that loaders can tell false negatives.

    Parameters
    ----------
    connection
        A database that holds the table `recipe`.
    path
        Parquet file to write: `COPY_SCHEMA`.
    """
    copies = connection.sql(read_statement("copies")).to_arrow_table().cast(COPY_SCHEMA)
    pq.write_table(copies, path, compression="zstd", write_page_checksum=True)


def write_named(path: Path, names: "PairNames", slot_tables: Iterable[pa.Table]) -> None:
    """Write tables of numbers with names, each as one row group.

    Parameters
    ----------
    path
        Parquet file to write.
    names
        What the numbers stand for.
    slot_tables
        Columns `anchor`, `partner` and `slot`, in the order to write them.
    """
    with pq.ParquetWriter(
        path,
        names.schema,
        compression="zstd",
        use_dictionary=[*_DICTIONARY_COLUMNS, "label", "rank", "weight"],
        write_statistics=_SORTED_COLUMNS,
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        for slots in slot_tables:
            table = names.name_pairs(slots)
            writer.write_table(table, row_group_size=table.num_rows)


class PairNames:
    """What the numbers of recipes and of slots stand for.

    Parameters
    ----------
    recipes
        N rows, the recipe of number n in row n, with the columns of `sql/names.sql`.
    kinds
        The kinds of pairs by first slot, with the columns of `sql/kind_list.sql`.

    Raises
    ------
    StageError
        If two recipes share the bits of their md5 that pair ids are made of.
    """

    def __init__(self, recipes: pa.Table, kinds: pa.Table) -> None:
        column = {name: recipes[name].combine_chunks() for name in recipes.column_names}
        self._ids: pa.StringArray = column["recipe_id"]
        self._dish: pa.DictionaryArray = column["dish"].dictionary_encode()
        self._split: pa.DictionaryArray = column["split"].dictionary_encode()
        language: pa.DictionaryArray = column["language"].dictionary_encode()
        self._language = np.asarray(language.indices)
        words = language.dictionary.to_pylist()
        self._language_pairs = pa.array([f"{a}-{b}" for a in words for b in words], pa.string())
        self._languages = len(words)
        self._has_image: BoolArray = np.asarray(column["has_image"])
        self._has_text: BoolArray = np.asarray(column["has_text"])
        self._weight = np.asarray(column["weight"])
        self._pair_id_base = _make_pair_id_base(np.asarray(column["place_key"]))
        self._kinds: list[str] = kinds["kind"].to_pylist()
        self._first_slot = np.asarray(kinds["first_slot"]).astype(np.int64)
        self._label = np.asarray(kinds["label"])

    @property
    def schema(self) -> pa.Schema:
        """Columns of `name_pairs`: `PAIR_SCHEMA`, repeated words as dictionaries."""
        return pa.schema([
            field.with_type(pa.dictionary(pa.int32(), pa.string()))
            if field.name in _DICTIONARY_COLUMNS
            else field
            for field in PAIR_SCHEMA
        ])

    def name_pairs(self, slots: pa.Table) -> pa.Table:
        """Put names in the place of numbers.

        Parameters
        ----------
        slots
            Columns `anchor`, `partner` and `slot`; P rows, those of an anchor together.

        Returns
        -------
        pyarrow.Table
            The same P rows in `schema`.
        """
        anchor = np.asarray(slots["anchor"])
        partner = np.asarray(slots["partner"])
        slot = np.asarray(slots["slot"]).astype(np.int64)
        kind = np.searchsorted(self._first_slot, slot, side="right") - 1
        image_of = np.where(kind == self._kinds.index("negative_text"), anchor, partner)
        text_of = np.where(kind == self._kinds.index("negative_image"), anchor, partner)
        is_own = kind == self._kinds.index("positive_recipe")  # left its photo, right its text
        no_left_image = ~self._has_image[anchor]
        no_left_text = ~self._has_text[anchor] | is_own
        right_image = pa.array(image_of, mask=~self._has_image[image_of] | is_own)
        right_text = pa.array(text_of, mask=~self._has_text[text_of])
        languages = self._language[anchor] * self._languages + self._language[text_of]
        columns = {
            "pair_id": pa.array(self._pair_id_base[anchor] + slot),
            "left_image": self._name_anchors(anchor, no_left_image),
            "left_text": self._name_anchors(anchor, no_left_text),
            "right_image": self._ids.take(right_image),
            "right_text": self._ids.take(right_text),
            "left_image_dish": self._dish.take(pa.array(anchor, mask=no_left_image)),
            "left_text_dish": self._dish.take(pa.array(anchor, mask=no_left_text)),
            "right_image_dish": self._dish.take(right_image),
            "right_text_dish": self._dish.take(right_text),
            "label": pa.array(self._label[kind]),
            "kind": _from_words(kind, pa.array(self._kinds)),
            "split": self._split.take(pa.array(anchor)),
            "rank": pa.array((slot - self._first_slot[kind] + 1).astype(np.int16)),
            "language_pair": _from_words(languages, self._language_pairs),
            "weight": pa.array(self._weight[anchor]),
        }
        return pa.table(columns, schema=self.schema)

    def _name_anchors(self, anchor: Int64Array, is_missing: BoolArray) -> pa.DictionaryArray:
        """Name anchors that stand in runs: each run is one entry of the dictionary."""
        is_first = np.diff(anchor, prepend=-1) != 0
        runs = pa.array((np.cumsum(is_first) - 1).astype(np.int32), mask=is_missing)
        return pa.DictionaryArray.from_arrays(runs, self._ids.take(pa.array(anchor[is_first])))


def _make_pair_id_base(place_key: UInt64Array) -> Int64Array:
    """Leave room for the slot in the places on the ring, and check that they still differ.

    Raises
    ------
    StageError
        If two places share the bits that are left.
    """
    key = place_key >> np.uint64(_DROPPED_BITS)
    if (np.diff(np.sort(key)) == 0).any():
        raise StageError(
            f"two of {len(key)} recipes share {64 - _DROPPED_BITS} bits of their md5, so pair ids "
            "would repeat; set another pairs.seed"
        )
    return key.astype(np.int64) << _SLOT_BITS


def _from_words(positions: Int64Array, words: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(positions.astype(np.int32)), words)


def cut_between_anchors(
    reader: pa.RecordBatchReader, rows: int = ROW_GROUP_PAIRS
) -> Iterator[pa.Table]:
    """Cut a stream of numbered pairs into row groups that end where an anchor ends.

    The cuts depend on the rows only, not on the batches they come in: those differ with the
    number of threads.

    Parameters
    ----------
    reader
        Batches with a column `anchor` of ascending numbers.
    rows
        Most rows of a group; an anchor with more gets a group of its own.

    Yields
    ------
    pyarrow.Table
        The rows of some anchors, at most `rows`.
    """
    rest = reader.schema.empty_table()
    for batch in reader:
        rest = pa.concat_tables([rest, pa.Table.from_batches([batch])])
        while rest.num_rows > rows:
            anchor = np.asarray(rest["anchor"])
            cut = int(np.searchsorted(anchor, anchor[rows]))
            cut = cut or int(np.searchsorted(anchor, anchor[0], side="right"))
            if cut == rest.num_rows:
                break  # one anchor so far: it may go on in the next batch
            yield rest.slice(0, cut)
            rest = rest.slice(cut)
    if rest.num_rows:
        yield rest
