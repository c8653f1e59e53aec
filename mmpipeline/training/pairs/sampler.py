"""The sampler of anchors into batches: balanced over dishes, the same for one seed and epoch.

Anchors are drawn by their sampling weight. How often a dish is drawn from a row group is fixed by
the weights; which of its anchors those are turns with the epoch, so that over some epochs all
have their turn, and in one epoch none comes twice before all others of its dish came once. With
one anchor a dish, draws are mixed at will. With M, they are cut into chunks of M anchors of one
dish, and chunks are dealt to batches like cards: a batch holds a dish twice only if no batch could
do without. Batches of a row group are of one size, but for a chunk. Working within a row group
costs some mixing: anchors of different row groups never meet.
"""

import numpy as np

from mmpipeline.arrays import Float32Array, Int32Array, Int64Array


class BlockDraws:
    """Draws batches of anchors from one row group.

    Parameters
    ----------
    dish
        Shape (A,): code of each anchor's dish, -1 when not labelled.
    weight
        Shape (A,): sampling weight of each anchor; anchors of a dish share one.
    anchors_per_batch
        Most anchors in a batch.
    anchors_per_dish
        M, the anchors of one dish that meet in a batch, as far as the dish has so many. With 1,
        dishes are mixed at will.
    """

    def __init__(
        self,
        dish: Int32Array,
        weight: Float32Array,
        anchors_per_batch: int,
        anchors_per_dish: int,
    ) -> None:
        self._by_dish: Int64Array = np.argsort(dish, kind="stable")
        _, self._first, self._size = np.unique(
            dish[self._by_dish], return_index=True, return_counts=True
        )
        self._draws = _share_draws(weight[self._by_dish], self._first)
        self._anchors_per_dish = anchors_per_dish
        self._chunks = -(-self._draws // anchors_per_dish)
        per_batch = max(1, anchors_per_batch // anchors_per_dish)
        self._batches = -(-int(self._chunks.sum()) // per_batch)

    def __len__(self) -> int:
        """Return the number of batches."""
        return self._batches

    def draw(self, generator: np.random.Generator) -> list[Int64Array]:
        """Draw the batches of one epoch.

        Parameters
        ----------
        generator
            Source of randomness.

        Returns
        -------
        list of numpy.ndarray
            Numbers of anchors in the row group, a batch each.
        """
        anchors = self._shuffle_within_dishes(generator)
        dishes = generator.permutation(len(self._size))
        chunk_dish = np.repeat(dishes, self._chunks[dishes])
        chunk = _ranges(self._chunks[dishes])
        length = np.minimum(self._anchors_per_dish, self._draws[chunk_dish])
        member = np.repeat(chunk * self._anchors_per_dish, length) + _ranges(length)
        owner = np.repeat(chunk_dish, length)
        turn = (member % self._draws[owner]) % self._size[owner]
        drawn = anchors[self._first[owner] + turn]
        if self._anchors_per_dish == 1:  # mix dishes at will, but keep an anchor's draws apart
            drawn = drawn[np.argsort(generator.permutation(len(anchors))[drawn], kind="stable")]
            batch = np.arange(len(drawn)) % max(1, self._batches)
        else:
            batch = np.repeat(self._deal(dishes), length)
        order = np.argsort(batch, kind="stable")
        bounds = np.searchsorted(batch[order], np.arange(1, self._batches))
        batches = np.split(drawn[order], bounds) if self._batches else []
        return [batches[number] for number in generator.permutation(self._batches)]

    def _deal(self, dishes: Int64Array) -> Int64Array:
        """Return the batch of each chunk, the chunks of a dish together.

        A dish's chunks of one batch follow each other, so its anchors repeat as late as can be.
        """
        dealt = np.arange(self._chunks.sum()) % max(1, self._batches)
        place = np.repeat(np.arange(len(dishes)), self._chunks[dishes])
        batch: Int64Array = dealt[np.lexsort((dealt, place))]
        return batch

    def _shuffle_within_dishes(self, generator: np.random.Generator) -> Int64Array:
        dish = np.repeat(np.arange(len(self._size)), self._size)
        order = np.lexsort((generator.random(len(self._by_dish)), dish))
        shuffled: Int64Array = self._by_dish[order]
        return shuffled


def _share_draws(weight: Float32Array, first: Int64Array) -> Int64Array:
    """Share out as many draws as there are anchors by the dishes' weights, rounding evenly."""
    if not len(first):
        return np.zeros(0, dtype=np.int64)
    by_dish = np.add.reduceat(weight.astype(np.float64), first)
    upto = np.floor(np.cumsum(by_dish) * (len(weight) / by_dish.sum()) + 0.5)
    draws: Int64Array = np.diff(upto, prepend=0).astype(np.int64)
    return draws


def _starts(lengths: Int64Array) -> Int64Array:
    starts: Int64Array = np.cumsum(lengths) - lengths
    return starts


def _ranges(lengths: Int64Array) -> Int64Array:
    """Concatenate the ranges from 0 to each length."""
    ranges: Int64Array = np.arange(lengths.sum()) - np.repeat(_starts(lengths), lengths)
    return ranges
