"""Recipe1M's protocol: find the one right recipe in a bag of N, averaged over bags.

A bag is N recipes drawn without replacement from the held-out ones that have both photo and text;
each asks for its own other half among the N. Median rank and recall are averages over ten bags,
which is why published median ranks are fractions. Where fewer than N recipes exist, all of them
are one bag, and the figures are named ``all``.

References
----------
Salvador et al. 2017, Learning Cross-modal Embeddings for Cooking Recipes and Food Images, sec. 5.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from mmpipeline.arrays import Int64Array
from mmpipeline.evaluation.metrics.measurement import KS, rank_figures
from mmpipeline.evaluation.metrics.retrieval import Relevance, rank_vectors

BAG_SIZES = {"1k": 1_000, "10k": 10_000}
BAGS = 10


def draw_bags(rows: int, size: int, seed: int) -> Iterator[Int64Array]:
    """Draw bags without replacement within each.

    Parameters
    ----------
    rows
        How many there are to draw from; at least `size`.
    size
        Recipes in a bag.
    seed
        Of the draws.

    Yields
    ------
    numpy.ndarray
        Shape (size,), `BAGS` times; once when the bag takes all.
    """
    for bag in range(1 if size == rows else BAGS):
        yield np.random.default_rng([seed, bag]).permutation(rows)[:size]


def measure_bags(asked: Tensor, answered: Tensor, seed: int) -> dict[str, float]:
    """Measure a search for each row's own counterpart in bags of each size that the data allow.

    Parameters
    ----------
    asked, answered
        Shape (N, E): the two halves of the same N recipes, rows of unit length.
    seed
        Of the draws.

    Returns
    -------
    dict
        ``1k_recall_at_1`` and so on, ``1k_median_rank``: means over bags, each with
        ``_chance``, and ``_spread`` of the median rank; for 10k likewise. Empty for fewer rows
        than the smallest bag.
    """
    figures: dict[str, float] = {}
    for name, size in BAG_SIZES.items():
        if len(asked) < size:
            continue
        bags = [
            rank_figures(rank_pairs(asked[bag], answered[bag]))
            for bag in map(torch.from_numpy, draw_bags(len(asked), size, seed))
        ]
        for key in bags[0]:
            figures[f"{name}_{key}"] = float(np.mean([bag[key] for bag in bags]))
        figures[f"{name}_median_rank_spread"] = float(np.std([bag["median_rank"] for bag in bags]))
        figures |= {f"{name}_recall_at_{k}_chance": k / size for k in KS}
        figures[f"{name}_median_rank_chance"] = (size + 1) / 2
    return figures


def rank_pairs(asked: Tensor, answered: Tensor) -> Int64Array:
    """Rank of each row's counterpart, ties pessimistic; both of shape (N, E), the result (N,)."""
    itself, nothing = np.arange(len(asked)), np.full(len(asked), -1)
    relevance = Relevance(itself, itself, nothing, nothing)
    return rank_vectors(asked, answered, relevance)
