"""Pairs as row numbers of a feature set: those of a row group, and what a whole split comes to."""

from dataclasses import dataclass

import numpy as np

from mmpipeline.arrays import BoolArray, Float32Array, Int32Array, Int64Array


@dataclass(frozen=True, slots=True)
class PairBlock:
    """The pairs of one row group as row numbers of a feature set.

    Attributes
    ----------
    left_image, left_text, right_image, right_text
        Shape (P,): the recipe whose part is used, -1 for none.
    label
        Shape (P,): the pair is a positive.
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
