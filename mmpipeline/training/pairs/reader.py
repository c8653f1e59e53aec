"""Pairs of one split from the Parquet files of a pairs artifact.

Recipe ids become row numbers of a feature set. Pairs whose meaning rests on a part without
features (a photo that could not be decoded) are left out and counted here, so nothing later has
to ask. Names are read as dictionaries: each is looked up once, however often it stands in a row
group.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mmpipeline.arrays import BoolArray, Int32Array
from mmpipeline.errors import ArtifactError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.storage.parquet import read_parquet
from mmpipeline.training.pairs.blocks import PairBlock, PairSummary

PAIRS_FILE = "pairs.parquet"
COPIES_FILE = "copies.parquet"
PARTS = ("left_image", "left_text", "right_image", "right_text")
DISHES = tuple(f"{part}_dish" for part in PARTS)
REPEATED = ("left_image", "left_text", "split", *DISHES)  # read as dictionaries


class PairReader:
    """Reads the row groups of a pair table that hold pairs of one split.

    Parameters
    ----------
    folder
        Of a pairs artifact.
    features
        Features of the same catalogue.
    split
        ``train``, ``val`` or ``test``.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged.
    """

    def __init__(self, folder: Path, features: FeatureSet, split: str) -> None:
        self.path = folder / PAIRS_FILE
        self._split = split
        self._rows = pd.Index(np.array(features.recipe_ids, dtype=object))
        self._has_image: BoolArray = features.presence[:, 0]
        self._has_text: BoolArray = np.asarray(features.presence[:, 1:].any(axis=1))
        self._copies = read_parquet(folder / COPIES_FILE)
        try:
            self._file = pq.ParquetFile(
                self.path, read_dictionary=list(REPEATED), page_checksum_verification=True
            )
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(f"{self.path} cannot be read: {error}") from error
        self._groups = [
            number
            for number in range(self._file.num_row_groups)
            if _may_hold(self._file.metadata.row_group(number), split)
        ]

    def summarise(self) -> PairSummary:
        """Go through all row groups once.

        Returns
        -------
        PairSummary
            Counts, and what is known of recipes and anchors.

        Raises
        ------
        ArtifactError
            If a file is damaged, or names a recipe that the features lack.
        """
        dishes = DishCodes(len(self._rows))
        sizes, anchors, weights, pairs = [0], [_no_rows()], [np.zeros(0, np.float32)], [(0, 0, 0)]
        for group in self._groups:
            table = self._read(group, [*PARTS, *DISHES, "label", "weight"])
            rows = {part: self._find_rows(table[part]) for part in PARTS}
            for part in PARTS:
                dishes.learn(rows[part], table[f"{part}_dish"])
            block = self._make_block(table, rows)
            sizes.append(len(block.weight))
            anchors.append(block.anchors)
            weights.append(block.weight)
            pairs.append((len(block), int(block.label.sum()), block.dropped))
        total, positives, dropped = np.sum(pairs, axis=0).tolist()
        return PairSummary(
            dish=dishes.codes,
            copies=self._find_copies(),
            anchors=np.concatenate(anchors),
            weight=np.concatenate(weights),
            block_bounds=np.cumsum(sizes),
            pairs=total,
            positives=positives,
            dropped=dropped,
            names=dishes.names,
        )

    def read_block(self, number: int) -> PairBlock:
        """Read one row group.

        Parameters
        ----------
        number
            From 0, among the row groups with pairs of the split.

        Returns
        -------
        PairBlock
            Its pairs of the split.

        Raises
        ------
        ArtifactError
            If the file is damaged, or names a recipe that the features lack.
        """
        table = self._read(self._groups[number], [*PARTS, "label", "weight"])
        return self._make_block(table, {part: self._find_rows(table[part]) for part in PARTS})

    def _read(self, group: int, columns: list[str]) -> pa.Table:
        try:
            table = self._file.read_row_group(group, [*columns, "split"])
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(
                f"{self.path} cannot be read (row group {group}): {error}; build pairs again"
            ) from error
        return table.filter(pc.equal(table["split"].cast(pa.string()), self._split))

    def _find_rows(self, column: pa.ChunkedArray) -> Int32Array:
        """Look each name up once, however often it stands in the column.

        Raises
        ------
        ArtifactError
            If the features lack a recipe.
        """
        names = _encode(column)
        found = self._rows.get_indexer(names.dictionary.to_numpy(zero_copy_only=False))
        rows = np.append(found, -1).astype(np.int32)
        indices = pc.fill_null(names.indices, len(found)).to_numpy()
        if (found < 0).any():
            lost = np.intersect1d(indices, np.flatnonzero(found < 0))
            if len(lost):
                raise ArtifactError(
                    f"{self.path} names recipe {names.dictionary[lost[0]].as_py()}, which the "
                    "features lack; make pairs and features from the same catalogue"
                )
        numbers: Int32Array = rows[indices]
        return numbers

    def _find_copies(self) -> Int32Array:
        rows = self._rows.get_indexer(self._copies["recipe_id"].to_numpy())
        groups = _encode(self._copies["first_recipe_id"]).indices.to_numpy()
        copies = np.full(len(self._rows), -1, dtype=np.int32)
        copies[rows[rows >= 0]] = groups[rows >= 0]
        return copies

    def _make_block(self, table: pa.Table, rows: dict[str, Int32Array]) -> PairBlock:
        label = table["label"].to_numpy().astype(np.bool_)
        anchor = np.maximum(rows["left_image"], rows["left_text"])
        shown = {
            part: np.where(
                (self._has_image if part.endswith("image") else self._has_text)[row], row, -1
            ).astype(np.int32)
            for part, row in rows.items()
        }
        keep = _is_usable(shown, label)
        starts = np.flatnonzero(np.diff(anchor[keep], prepend=-1))
        return PairBlock(
            **{part: row[keep] for part, row in shown.items()},
            label=label[keep],
            anchor_bounds=np.append(starts, keep.sum()),
            weight=table["weight"].to_numpy().astype(np.float32)[keep][starts],
            dropped=int((~keep).sum()),
        )


class DishCodes:
    """Numbers for dishes in the order of their appearance, and which recipe is of which.

    Parameters
    ----------
    recipes
        Number of recipes.
    """

    def __init__(self, recipes: int) -> None:
        self._code_of: dict[str, int] = {}
        self._codes = np.full(recipes + 1, -1, dtype=np.int32)  # the last takes what row -1 writes

    @property
    def codes(self) -> Int32Array:
        """Shape (N,): code of each recipe's dish, -1 when not labelled."""
        return self._codes[:-1]

    @property
    def names(self) -> tuple[str, ...]:
        """The dishes by code."""
        return tuple(self._code_of)

    def learn(self, rows: Int32Array, dishes: pa.ChunkedArray) -> None:
        """Take in the dishes of some recipes.

        Parameters
        ----------
        rows
            Shape (P,), the recipes, -1 for none.
        dishes
            Length P, their dishes.
        """
        names = _encode(dishes)
        known = [
            self._code_of.setdefault(name, len(self._code_of))
            for name in names.dictionary.to_pylist()
        ]
        codes = np.array([*known, -1], dtype=np.int32)
        self._codes[rows] = codes[pc.fill_null(names.indices, len(known)).to_numpy()]


def _may_hold(group: pq.RowGroupMetaData, split: str) -> bool:
    """Ask the bounds in the file's footer; without bounds the row group has to be read."""
    for number in range(group.num_columns):
        column = group.column(number)
        if column.path_in_schema == "split" and column.statistics is not None:
            bounds = column.statistics
            return not bounds.has_min_max or bounds.min <= split <= bounds.max
    return True


def _encode(column: pa.ChunkedArray) -> pa.DictionaryArray:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # no rows, no chunk
        array = pa.array([], column.type)
    return array if pa.types.is_dictionary(array.type) else array.dictionary_encode()


def _no_rows() -> Int32Array:
    return np.zeros(0, dtype=np.int32)


def _is_usable(shown: dict[str, Int32Array], label: BoolArray) -> BoolArray:
    """Keep pairs with something on both sides whose label what is shown bears out."""
    left_image, left_text, right_image, right_text = (shown[part] for part in PARTS)
    has_sides = (np.maximum(left_image, left_text) >= 0) & (
        np.maximum(right_image, right_text) >= 0
    )
    is_same = (left_image == right_image) & (left_text == right_text)
    is_within_left = ((right_image < 0) | (right_image == left_image)) & (
        (right_text < 0) | (right_text == left_text)
    )
    usable: BoolArray = has_sides & ~is_same & (label | ~is_within_left)
    return usable
