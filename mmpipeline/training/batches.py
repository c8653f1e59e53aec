"""Training batches that come from the pair table.

A batch is a handful of anchors with all their pairs; every distinct item (photo of one recipe,
text of the same or another) is listed once, so it is encoded once however many pairs it is in.
Beside the table's own pairs, every item of the batch serves every anchor as a negative unless it
might be the same dish; that costs one small boolean matrix a batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmpipeline.evaluation.baselines import BoolArray
from mmpipeline.training.pair_table import PairTable, RowArray


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Anchors and items to be encoded, and what they are to each other.

    Attributes
    ----------
    image_rows, text_rows
        Shape (T,): the distinct items of the batch, as rows of the feature set; -1 for none.
    anchors
        Shape (L,): which of the items are left sides of pairs.
    positive
        Shape (L, T), bool: the table says that the item is a positive of the anchor.
    ignored
        Shape (L, T), bool: the item shares a recipe or a dish with the anchor and the table says
        nothing of the two.
    """

    image_rows: RowArray
    text_rows: RowArray
    anchors: Tensor
    positive: Tensor
    ignored: Tensor

    @property
    def is_mixed(self) -> BoolArray:
        """Shape (T,): photo and text come from different recipes."""
        mixed: BoolArray = (
            (self.image_rows != self.text_rows) & (self.image_rows >= 0) & (self.text_rows >= 0)
        )
        return mixed

    def presence(self, presence: BoolArray) -> BoolArray:
        """Return what each item has.

        Parameters
        ----------
        presence
            Shape (N, 4), of the recipes.

        Returns
        -------
        numpy.ndarray
            Shape (T, 4).
        """
        image = presence[self.image_rows, :1] & (self.image_rows >= 0)[:, None]
        text = presence[self.text_rows, 1:] & (self.text_rows >= 0)[:, None]
        return np.concatenate([image, text], axis=1)


class PairBatches:
    """Cuts a pair table into batches of anchors, in another order each epoch.

    Parameters
    ----------
    table
        The pairs.
    anchors_per_batch
        Anchors in a batch; the last batch of an epoch may have fewer.
    seed
        Of the order; epoch and seed together fix it.
    """

    def __init__(self, table: PairTable, anchors_per_batch: int, seed: int) -> None:
        self._table = table
        self._anchors_per_batch = anchors_per_batch
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return -(-(len(self._table.anchor_bounds) - 1) // self._anchors_per_batch)

    def epoch(self, epoch: int) -> Iterator[PairBatch]:
        """Yield the batches of one epoch.

        Parameters
        ----------
        epoch
            Its number.

        Yields
        ------
        PairBatch
            Each anchor once an epoch.
        """
        order = np.random.default_rng([self._seed, epoch]).permutation(
            len(self._table.anchor_bounds) - 1
        )
        for start in range(0, len(order), self._anchors_per_batch):
            yield self.make_batch(order[start : start + self._anchors_per_batch])

    def make_batch(self, anchors: NDArray[np.int64]) -> PairBatch:
        """Gather the pairs of some anchors.

        Parameters
        ----------
        anchors
            Shape (B,), numbers of anchors.

        Returns
        -------
        PairBatch
            Their items and masks.
        """
        table = self._table
        pairs = _expand(table.anchor_bounds[anchors], table.anchor_bounds[anchors + 1])
        sides = [
            _pack(table.left_image[pairs], table.left_text[pairs]),
            _pack(table.right_image[pairs], table.right_text[pairs]),
        ]
        keys, inverse = np.unique(np.concatenate(sides), return_inverse=True)
        image_rows, text_rows = _unpack(keys)
        left_of_pair, item_of_pair = np.split(inverse, 2)
        lefts, left_of_pair = np.unique(left_of_pair, return_inverse=True)
        positive = np.zeros((len(lefts), len(keys)), dtype=np.bool_)
        listed = np.zeros_like(positive)
        label = table.label[pairs]
        positive[left_of_pair[label], item_of_pair[label]] = True
        listed[left_of_pair, item_of_pair] = True
        ignored = _share_recipe_or_dish(image_rows, text_rows, lefts, table.dish) & ~listed
        return PairBatch(
            image_rows=image_rows,
            text_rows=text_rows,
            anchors=torch.from_numpy(lefts),
            positive=torch.from_numpy(positive),
            ignored=torch.from_numpy(ignored),
        )


def _share_recipe_or_dish(
    image_rows: RowArray, text_rows: RowArray, lefts: NDArray[np.int64], dish: RowArray
) -> BoolArray:
    """Shape (L, T): the item has a part of the left side's recipe or of its dish."""
    owner = np.maximum(image_rows, text_rows)[lefts][:, None]
    left_dish = dish[owner]
    shared = np.zeros((len(lefts), len(image_rows)), dtype=np.bool_)
    for rows in (image_rows, text_rows):
        is_same_dish = (dish[rows] == left_dish) & (left_dish >= 0) & (rows >= 0)
        shared |= (rows == owner) | is_same_dish
    return shared


def _expand(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenate the ranges from each start to its stop."""
    lengths = stops - starts
    offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    expanded: NDArray[np.int64] = offsets + np.arange(lengths.sum())
    return expanded


def _pack(image_rows: RowArray, text_rows: RowArray) -> NDArray[np.int64]:
    """Put both rows of an item into one number that sorts and compares like the two."""
    packed: NDArray[np.int64] = ((image_rows.astype(np.int64) + 1) << 32) | (text_rows + 1)
    return packed


def _unpack(keys: NDArray[np.int64]) -> tuple[RowArray, RowArray]:
    image_rows = ((keys >> 32) - 1).astype(np.int32)
    text_rows = ((keys & 0xFFFFFFFF) - 1).astype(np.int32)
    return image_rows, text_rows
