"""The pair table of one split, read a row group at a time as numbers.

Opening goes once through the file and keeps what is small: an entry a recipe (its dish, its
duplicate group) and an entry an anchor. The pairs themselves are read again when a batch needs
them, one row group at a time, so memory does not grow with their number; that costs a decoding an
epoch, a hundredth of what training on the row group costs. No anchor crosses a row group.

Recipe ids become row numbers of a feature set. Pairs whose meaning rests on a part without
features (a photo that could not be decoded) are left out and counted here, so nothing later has
to ask.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mmpipeline.arrays import BoolArray, Float32Array, Int32Array, Int64Array
from mmpipeline.errors import ArtifactError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.storage.parquet import read_parquet

PAIRS_FILE = "pairs.parquet"
COPIES_FILE = "copies.parquet"
PARTS = ("left_image", "left_text", "right_image", "right_text")
DISHES = tuple(f"{part}_dish" for part in PARTS)
REPEATED = ("left_image", "left_text", "kind", "split", *DISHES)  # read as dictionaries


@dataclass(frozen=True, slots=True)
class PairBlock:
    """The pairs of one row group as row numbers of a feature set.

    Attributes
    ----------
    left_image, left_text, right_image, right_text
        Shape (P,): the recipe whose part is used, -1 for none.
    label
        Shape (P,): the pair is a positive.
    is_hard
        Shape (P,): the pair is a hard negative.
    anchor_bounds
        Shape (A + 1,): anchor i has the pairs from entry i to entry i + 1.
    weight
        Shape (A,), float32: sampling weight of each anchor.
    dropped
        Pairs left out because a part that they rest on has no features.
    """

    left_image: Int32Array
    left_text: Int32Array
    right_image: Int32Array
    right_text: Int32Array
    label: BoolArray
    is_hard: BoolArray
    anchor_bounds: Int64Array
    weight: Float32Array
    dropped: int

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.label)

    @property
    def anchors(self) -> Int32Array:
        """Shape (A,): the recipe of each anchor."""
        return np.maximum(self.left_image, self.left_text)[self.anchor_bounds[:-1]]


@dataclass(frozen=True, slots=True)
class PairSummary:
    """What going once through the pairs of a split tells.

    Attributes
    ----------
    dish
        Shape (N,): code of each recipe's dish, -1 when not labelled.
    copies
        Shape (N,): code of each recipe's duplicate group, -1 when it has no copy.
    anchors, weight
        Shape (A,): the recipe of each anchor and its sampling weight, block after block.
    block_bounds
        Shape (G + 1,): block i holds the anchors from entry i to entry i + 1.
    pairs, positives, dropped
        Numbers of pairs.
    names
        The dishes' names; entry i is of code i.
    """

    dish: Int32Array
    copies: Int32Array
    anchors: Int32Array
    weight: Float32Array
    block_bounds: Int64Array
    pairs: int
    positives: int
    dropped: int
    names: tuple[str, ...] = ()


class PairTable:
    """The pairs of one split; `PairTable.open` reads what is small and leaves the rest.

    Attributes
    ----------
    summary
        What going once through the pairs told.
    """

    def __init__(self, reader: "PairReader", summary: PairSummary, shuffled: int | None) -> None:
        self.summary = summary
        self._reader = reader
        self._shuffle_seed = shuffled
        self._last: tuple[int, PairBlock] | None = None

    @classmethod
    def open(cls, folder: Path, features: FeatureSet, split: str) -> "PairTable":
        """Go once through the pairs of one split.

        Parameters
        ----------
        folder
            Of a pairs artifact.
        features
            Features of the same catalogue.
        split
            ``train``, ``val`` or ``test``.

        Returns
        -------
        PairTable
            Without the pairs whose meaning rests on a part that has no features.

        Raises
        ------
        ArtifactError
            If a file is missing or damaged, or names a recipe that the features lack.
        """
        reader = PairReader(folder, features, split)
        return cls(reader, reader.summarise(), None)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self.summary.pairs

    @property
    def blocks(self) -> int:
        """Number of row groups with pairs of the split."""
        return len(self.summary.block_bounds) - 1

    def block(self, number: int) -> PairBlock:
        """Read the pairs of one row group; the last one read is kept.

        Parameters
        ----------
        number
            From 0, among the row groups with pairs of the split.

        Returns
        -------
        PairBlock
            Its pairs.

        Raises
        ------
        ArtifactError
            If the file is damaged.
        """
        if self._last is None or self._last[0] != number:
            block = self._reader.read_block(number)
            if self._shuffle_seed is not None:
                block = _deal_anew(block, [self._shuffle_seed, number])
            self._last = (number, block)
        return self._last[1]

    def shuffle_labels(self, seed: int) -> "PairTable":
        """Return the table with labels that say nothing: the control experiment.

        Permuting the label column alone would not do: an anchor's pairs hold more of its own dish
        than chance, so which pairs exist tells the dish as well. So left sides with their labels
        are dealt right sides of their row group anew, and dishes, which decide what else is a
        negative, are dealt to recipes anew.

        Parameters
        ----------
        seed
            Of the permutations.

        Returns
        -------
        PairTable
            With as many pairs, positives and anchors as before.
        """
        dish = np.random.default_rng(seed).permutation(self.summary.dish)
        return PairTable(self._reader, replace(self.summary, dish=dish), seed)


def _deal_anew(block: PairBlock, seed: list[int]) -> PairBlock:
    order = np.random.default_rng(seed).permutation(len(block))
    return replace(block, right_image=block.right_image[order], right_text=block.right_text[order])


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
            table = self._read(group, [*PARTS, *DISHES, "label", "kind", "weight"])
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
        table = self._read(self._groups[number], [*PARTS, "label", "kind", "weight"])
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
            is_hard=_equals(table["kind"], "negative_hard")[keep],
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


def _equals(column: pa.ChunkedArray, word: str) -> BoolArray:
    names = _encode(column)
    is_word = np.array([name == word for name in names.dictionary.to_pylist()], dtype=np.bool_)
    equal: BoolArray = is_word[names.indices.to_numpy()]
    return equal


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
