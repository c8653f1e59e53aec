"""Training batches that come from the pair table.

A batch is a handful of anchors with all their pairs; every distinct item (photo of one recipe,
text of the same or another) is listed once, so it is encoded once however many pairs it is in.
Beside the table's own pairs, every item of the batch serves every anchor as a negative unless it
might be the same dish or a copy; that costs one small boolean matrix a batch.

Batches follow from seed and epoch alone, so a stopped epoch goes on at any batch from two numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmpipeline.arrays import BoolArray, Int32Array, Int64Array
from mmpipeline.errors import StageError
from mmpipeline.training.pairs.blocks import PairBlock, PairSummary
from mmpipeline.training.pairs.sampler import BlockDraws
from mmpipeline.training.pairs.table import PairTable


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
        Shape (L, T), bool: the item is a positive of the anchor: the table says so or, in batches
        of several anchors a dish, it is of the anchor's dish.
    ignored
        Shape (L, T), bool: the item shares a recipe, a duplicate group or a dish with the anchor
        and is no positive: it may be a false negative.
    """

    image_rows: Int32Array
    text_rows: Int32Array
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
        Most anchors in a batch.
    seed
        Of the order; epoch and seed together fix it.
    anchors_per_dish
        Anchors of one dish that meet in a batch: M of the P x M batches of supervised contrastive
        losses, where P is the M-th part of `anchors_per_batch`. With 1, dishes are mixed at will.
        Above 1, all that is of the anchor's dish is a positive, whether the table lists the pair
        or not.
    """

    def __init__(
        self,
        table: PairTable,
        anchors_per_batch: int,
        seed: int,
        anchors_per_dish: int = 1,
    ) -> None:
        self._table = table
        self._seed = seed
        self._takes_dish = anchors_per_dish > 1
        summary = table.summary
        self._draws = [
            BlockDraws(
                summary.dish[summary.anchors[block]],
                summary.weight[block],
                anchors_per_batch,
                anchors_per_dish,
            )
            for block in map(slice, summary.block_bounds[:-1], summary.block_bounds[1:])
        ]
        self._epoch, self._next = 1, 0

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return sum(map(len, self._draws))

    def state_dict(self) -> dict[str, int]:
        """Return where the batches stand.

        Returns
        -------
        dict
            ``epoch`` and ``batch``: the next one; ``batches``: all of an epoch, which tells another
            table or another size of batches.
        """
        return {"epoch": self._epoch, "batch": self._next, "batches": len(self)}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where another loader of the same pairs stood.

        Parameters
        ----------
        state
            What `state_dict` returned.

        Raises
        ------
        StageError
            If it was of other pairs or other batches.
        """
        if state["batches"] != len(self):
            raise StageError(
                f"the stored state is of {state['batches']} batches an epoch, this loader has "
                f"{len(self)}; go on with the pairs and the batch size it was stored with"
            )
        self._epoch, self._next = state["epoch"], state["batch"]

    def epoch(self, epoch: int) -> Iterator[PairBatch]:
        """Yield the batches of one epoch.

        Parameters
        ----------
        epoch
            Its number. Of the epoch that `load_state_dict` names, the remaining batches come; of
            any other, all.

        Yields
        ------
        PairBatch
            In the epoch's order. With weights of 1 and one anchor a dish, they hold each anchor
            once.
        """
        if epoch != self._epoch:
            self._epoch, self._next = epoch, 0
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._draws))
        first = 0  # number of the block's first batch in the epoch
        for number in order:
            wanted = range(first, first + len(self._draws[number]))
            first = wanted.stop
            if self._next >= wanted.stop:
                continue
            generator = np.random.default_rng([self._seed, epoch, int(number)])
            batches = self._draws[number].draw(generator)
            for batch in batches[self._next - wanted.start :]:
                self._next += 1
                yield self.make_batch(self._table.block(int(number)), batch)
        self._epoch, self._next = epoch + 1, 0

    def make_batch(self, block: PairBlock, anchors: Int64Array) -> PairBatch:
        """Gather the pairs of some anchors.

        Parameters
        ----------
        block
            The pairs of a row group.
        anchors
            Shape (B,), numbers of anchors in it.

        Returns
        -------
        PairBatch
            Their items and masks.
        """
        pairs = _expand(block.anchor_bounds[anchors], block.anchor_bounds[anchors + 1])
        sides = [
            _pack(block.left_image[pairs], block.left_text[pairs]),
            _pack(block.right_image[pairs], block.right_text[pairs]),
        ]
        keys, inverse = np.unique(np.concatenate(sides), return_inverse=True)
        image_rows, text_rows = _unpack(keys)
        left_of_pair, item_of_pair = np.split(inverse, 2)
        lefts, left_of_pair = np.unique(left_of_pair, return_inverse=True)
        positive, listed = np.zeros((2, len(lefts), len(keys)), dtype=np.bool_)
        label = block.label[pairs]
        positive[left_of_pair[label], item_of_pair[label]] = True
        listed[left_of_pair, item_of_pair] = True
        same_group = _Kinship(image_rows, text_rows, lefts, self._table.summary)
        if self._takes_dish:
            positive |= same_group.same_dish & ~same_group.same_recipe & ~listed
        return PairBatch(
            image_rows=image_rows,
            text_rows=text_rows,
            anchors=torch.from_numpy(lefts),
            positive=torch.from_numpy(positive),
            ignored=torch.from_numpy(same_group.any & ~listed & ~positive),
        )


class _Kinship:
    """What the items of a batch share with its anchors, as matrices of shape (L, T).

    Attributes
    ----------
    same_recipe
        A part of the item is of the anchor's recipe or of a copy.
    same_dish
        All parts of the item are of the anchor's dish.
    any
        A part of the item is of the anchor's recipe, a copy or its dish.
    """

    def __init__(
        self,
        image_rows: Int32Array,
        text_rows: Int32Array,
        lefts: Int64Array,
        summary: PairSummary,
    ) -> None:
        owner = np.maximum(image_rows, text_rows)[lefts]
        shape = (len(lefts), len(image_rows))
        self.same_recipe = np.zeros(shape, dtype=np.bool_)
        self.same_dish = (summary.dish[owner] >= 0)[:, None] & np.ones(shape, dtype=np.bool_)
        self.any = np.zeros(shape, dtype=np.bool_)
        for rows in (image_rows, text_rows):
            shown = rows >= 0
            of_recipe = owner[:, None] == rows
            of_recipe |= _equal_codes(summary.copies, owner, rows, shown)
            of_dish = _equal_codes(summary.dish, owner, rows, shown)
            self.same_recipe |= of_recipe
            self.same_dish &= of_dish | ~shown
            self.any |= of_recipe | of_dish


def _equal_codes(
    code: Int32Array, owner: Int32Array, rows: Int32Array, shown: BoolArray
) -> BoolArray:
    """Shape (L, T): the codes of both are known and equal."""
    theirs = np.where(shown & (code[rows] >= 0), code[rows], -2)
    equal: BoolArray = code[owner][:, None] == theirs
    return equal


def _expand(starts: Int64Array, stops: Int64Array) -> Int64Array:
    """Concatenate the ranges from each start to its stop."""
    lengths = stops - starts
    offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    expanded: Int64Array = offsets + np.arange(lengths.sum())
    return expanded


def _pack(image_rows: Int32Array, text_rows: Int32Array) -> Int64Array:
    """Put both rows of an item into one number that sorts and compares like the two."""
    packed: Int64Array = ((image_rows.astype(np.int64) + 1) << 32) | (text_rows + 1)
    return packed


def _unpack(keys: Int64Array) -> tuple[Int32Array, Int32Array]:
    image_rows = ((keys >> 32) - 1).astype(np.int32)
    text_rows = ((keys & 0xFFFFFFFF) - 1).astype(np.int32)
    return image_rows, text_rows
