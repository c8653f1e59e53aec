"""The pair table of one split, as numbers that batches can be cut from.

Recipe ids become row numbers of a feature set once, at reading: 17 bytes a pair, so that millions
of pairs stay in memory. Pairs whose meaning rests on a part without features (a photo that could
not be decoded) are left out and counted here, so nothing later has to ask.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmpipeline.errors import ArtifactError
from mmpipeline.evaluation.baselines import BoolArray
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.storage import read_parquet

PARTS = ("left_image", "left_text", "right_image", "right_text")
RowArray = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class PairTable:
    """The pairs of one split as row numbers of a feature set.

    Attributes
    ----------
    left_image, left_text, right_image, right_text
        Shape (P,): the recipe whose part is used, -1 for none.
    label
        Shape (P,): the pair is a positive.
    anchor_bounds
        Shape (A + 1,): anchor i has the pairs from entry i to entry i + 1.
    dish
        Shape (N,): code of each recipe's dish, -1 when not labelled.
    dropped
        Pairs left out because a part that they rest on has no features.
    """

    left_image: RowArray
    left_text: RowArray
    right_image: RowArray
    right_text: RowArray
    label: BoolArray
    anchor_bounds: NDArray[np.int64]
    dish: RowArray
    dropped: int

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.label)

    @property
    def anchors(self) -> RowArray:
        """Shape (A,): the recipe of each anchor."""
        return np.maximum(self.left_image, self.left_text)[self.anchor_bounds[:-1]]

    def shuffle_labels(self, seed: int) -> "PairTable":
        """Return the table with labels that say nothing: the control experiment.

        Permuting the label column alone would not do: an anchor's pairs hold more of its own dish
        than chance, so which pairs exist tells the dish as well. So left sides with their labels
        are dealt right sides anew, and dishes, which decide what else is a negative, are dealt
        to recipes anew.

        Parameters
        ----------
        seed
            Of the permutations.

        Returns
        -------
        PairTable
            With as many pairs, positives and anchors as before.
        """
        generator = np.random.default_rng(seed)
        order = generator.permutation(len(self))
        return replace(
            self,
            right_image=self.right_image[order],
            right_text=self.right_text[order],
            dish=generator.permutation(self.dish),
        )


def read_pairs(path: Path, features: FeatureSet, split: str) -> PairTable:
    """Read the pairs of one split.

    Parameters
    ----------
    path
        A `pairs.parquet`.
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
        If the file is damaged, or names a recipe that the features lack.
    """
    columns = [*PARTS, *(f"{part}_dish" for part in PARTS), "label", "split"]
    table = read_parquet(path, columns)
    table = table.filter(pc.equal(table["split"], split)).combine_chunks()
    ids = pa.array(features.recipe_ids)
    rows = {part: _find_rows(table[part], ids, path) for part in PARTS}
    dish = _read_dishes(table, rows, len(ids))
    label = table["label"].to_numpy().astype(np.bool_)
    anchor = np.maximum(rows["left_image"], rows["left_text"])
    has_image = features.presence[:, 0]
    has_text: BoolArray = np.asarray(features.presence[:, 1:].any(axis=1))
    shown = {
        part: np.where(has_image[row] if part.endswith("image") else has_text[row], row, -1)
        for part, row in rows.items()
    }
    keep = _is_usable(shown, label)
    anchor = anchor[keep]
    starts = np.flatnonzero(np.diff(anchor, prepend=-1))
    return PairTable(
        **{part: row[keep].astype(np.int32) for part, row in shown.items()},
        label=label[keep],
        anchor_bounds=np.append(starts, len(anchor)),
        dish=dish,
        dropped=int((~keep).sum()),
    )


def _find_rows(column: pa.ChunkedArray, ids: pa.Array, path: Path) -> RowArray:
    found = pc.index_in(column, value_set=ids)
    lost = pc.and_(pc.is_valid(column), pc.is_null(found))
    if pc.any(lost).as_py():
        name = column.filter(lost)[0].as_py()
        raise ArtifactError(
            f"{path} names recipe {name}, which the features lack; make pairs and features from "
            "the same catalogue"
        )
    rows: RowArray = pc.fill_null(found, -1).to_numpy().astype(np.int32)
    return rows


def _read_dishes(table: pa.Table, rows: dict[str, RowArray], recipes: int) -> RowArray:
    columns = [table[f"{part}_dish"] for part in PARTS]
    names = pa.array(sorted({name for c in columns for name in pc.unique(c).to_pylist() if name}))
    dish = np.full(recipes + 1, -1, dtype=np.int32)  # the last entry takes what row -1 writes
    for part, column in zip(PARTS, columns, strict=True):
        codes = pc.fill_null(pc.index_in(column, value_set=names.cast(column.type)), -1)
        dish[rows[part]] = codes.to_numpy()
    codes_of_rows: RowArray = dish[:recipes]
    return codes_of_rows


def _is_usable(shown: dict[str, RowArray], label: BoolArray) -> BoolArray:
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
