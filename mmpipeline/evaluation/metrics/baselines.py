"""Baselines of retrieval without learning: chance, and raw features.

Chance is exact, not drawn. The raw baseline is the strongest that needs no labels: features are
centred on the searched items' mean, and the cosines of the parts that both sides show are summed.
Without centring, photos are all alike (cosine about 0.8) and an item that shows nothing but a
photo comes first; centred, a part that is missing counts as an average one. It has no answer
across modalities, where the two sides share no part. Items are read from the feature files block
by block, and only in the parts that a query shows, so the concatenated matrix never exists.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.arrays import BoolArray, Float64Array, Int64Array
from mmpipeline.evaluation.metrics.retrieval import ITEM_BLOCK_ROWS, ItemSimilarity
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.schemas import MODALITIES, Modality


def chance_hit_curve(candidates: Int64Array, relevant: Int64Array) -> Float64Array:
    """Chance that a random order puts a relevant item among the first k, for every k.

    Per query with N candidates and R relevant ones: ``1 - prod_{i<k} (N-R-i)/(N-i)``; averaged
    over queries.

    Parameters
    ----------
    candidates, relevant
        Shape (Q,), N and R of each query, R at least 1.

    Returns
    -------
    numpy.ndarray
        Shape (max N + 1,): entry k is the mean chance of a hit within k; entry 0 is 0.
    """
    longest = int(candidates.max())
    steps = np.arange(longest)
    curve = np.zeros(longest + 1)
    kinds, counts = np.unique(np.stack([candidates, relevant]), axis=1, return_counts=True)
    for (n, r), count in zip(kinds.T, counts, strict=True):
        misses = np.clip((n - r - steps) / np.maximum(n - steps, 1), 0.0, 1.0)
        curve[1:] += count * (1.0 - np.cumprod(misses))
    return curve / len(candidates)


def chance_figures(
    candidates: Int64Array, relevant: Int64Array, ks: tuple[int, ...]
) -> dict[str, float]:
    """Compute the expected figures of a random order.

    Parameters
    ----------
    candidates, relevant
        Shape (Q,), numbers of candidates and of relevant ones, at least 1, of each query.
    ks
        The k of recall_at_k.

    Returns
    -------
    dict
        ``recall_at_K`` for each k, ``median_rank`` (the least k that half of the queries hit) and
        ``mrr``.
    """
    curve = chance_hit_curve(candidates, relevant)
    figures = {f"recall_at_{k}": float(curve[min(k, len(curve) - 1)]) for k in ks}
    figures["median_rank"] = float(np.argmax(curve >= 0.5 - 1e-12))
    figures["mrr"] = float((np.diff(curve) / np.arange(1, len(curve))).sum())
    return figures


class RawFeatures:
    """Sum of the cosines of centred raw feature vectors, over the parts that both sides show.

    Parameters
    ----------
    features
        The feature set.
    reference
        Rows whose mean is the centre of each modality: the items that are searched in.
    """

    def __init__(self, features: FeatureSet, reference: Int64Array) -> None:
        self._features = features
        self._centres = {
            name: self._mean(name, reference[features.presence[reference, i]])
            for i, name in enumerate(MODALITIES)
        }

    def vectors(self, rows: Int64Array, mask: BoolArray) -> Tensor:
        """Concatenate the centred vectors of some items.

        Parameters
        ----------
        rows
            Shape (B,), rows of the feature set.
        mask
            Shape (B, 4), what each item shows; at least one part.

        Returns
        -------
        Tensor
            Shape (B, sum of widths): each part of unit length, or zero where it is not shown.
        """
        parts = [self._part(name, rows, mask[:, i]) for i, name in enumerate(MODALITIES)]
        return torch.cat(parts, dim=1)

    def similarity(
        self, queries: tuple[Int64Array, BoolArray], items: tuple[Int64Array, BoolArray]
    ) -> ItemSimilarity:
        """Say how similar queries are with items.

        Parameters
        ----------
        queries, items
            Rows, shapes (Q,) and (N,), and masks, shapes (Q, 4) and (N, 4).

        Returns
        -------
        ItemSimilarity
            From -4 to 4. The queries' vectors are held.
        """
        (asked, shown), (rows, mask) = queries, items
        parts = {
            i: self._part(name, asked, shown[:, i])
            for i, name in enumerate(MODALITIES)
            if shown[:, i].any()
        }

        def compare(block: slice) -> Tensor:
            total = torch.zeros(len(asked), len(rows[block]))
            for i, part in parts.items():
                total += part @ self._part(MODALITIES[i], rows[block], mask[block, i]).T
            return total

        return compare

    def _part(self, name: Modality, rows: Int64Array, shown: BoolArray) -> Tensor:
        gathered = torch.from_numpy(np.asarray(self._features.matrix(name)[rows])).float()
        centred = functional.normalize(gathered - self._centres[name], dim=1)
        return torch.where(torch.from_numpy(shown)[:, None], centred, 0.0)

    def _mean(self, name: Modality, rows: Int64Array) -> Tensor:
        matrix = self._features.matrix(name)
        total = np.zeros(matrix.shape[1])
        for start in range(0, len(rows), ITEM_BLOCK_ROWS):
            total += matrix[rows[start : start + ITEM_BLOCK_ROWS]].sum(axis=0, dtype=np.float64)
        return torch.from_numpy((total / max(1, len(rows))).astype(np.float32))
