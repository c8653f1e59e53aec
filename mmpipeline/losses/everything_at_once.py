"""Everything at Once: any two disjoint subsets of an item's modalities find each other.

For three modalities these are six pairs: each two single modalities, and each single one with the
other two together. A term runs over the items that have all of both subsets.
"""

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor

from mmpipeline.losses.info_nce import info_nce_loss

Subset = tuple[int, ...]
SubsetPair = tuple[Subset, Subset]


def disjoint_pairs(modalities: int) -> list[SubsetPair]:
    """List the unordered pairs of disjoint nonempty subsets.

    Parameters
    ----------
    modalities
        Their number, M.

    Returns
    -------
    list of tuple
        Pairs of sorted tuples of modality numbers; six for M = 3: small subsets first.
    """
    subsets = [
        subset for size in range(1, modalities) for subset in combinations(range(modalities), size)
    ]
    return [(a, b) for a, b in combinations(subsets, 2) if not set(a) & set(b)]


def everything_at_once_loss(
    embeddings: Mapping[Subset, Tensor],
    presence: Tensor,
    temperature: float | Tensor = 0.05,
    weights: Mapping[SubsetPair, float] | None = None,
    ignored: Tensor | None = None,
) -> Tensor:
    """Weighted mean over disjoint subset pairs of their symmetric InfoNCE.

    ``sum w_AB L_AB / sum w_AB`` over the pairs (A, B) with at least one item that has all of A and
    all of B. When not to use it: with many modalities, as the pairs grow like 3^M; with labels and
    several items a class, unless `ignored` says which.

    Parameters
    ----------
    embeddings
        By subset (sorted modality numbers), shape (B, E): the items under that mask. A row whose
        item lacks a modality of the subset is not read.
    presence
        Shape (B, M), bool: what each item has.
    temperature
        Divides the cosines; 0.05 is the paper's.
    weights
        By pair as `disjoint_pairs` lists them; None weighs all alike, absent ones weigh 0.
    ignored
        Shape (B, B), bool: possible false negatives.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient when no pair has an item.

    Raises
    ------
    ValueError
        If a subset of a weighted pair has no embedding.

    References
    ----------
    Shvetsova et al. 2022, Everything at Once: Multi-modal Fusion Transformer for Video Retrieval,
    the combinatorial loss; their weights are 1 for text with video and 0.1 for the others.
    """
    total = sum((rows[:0].sum() for rows in embeddings.values()), torch.zeros(()))
    mass = 0.0
    for pair in disjoint_pairs(presence.shape[1]):
        weight = 1.0 if weights is None else weights.get(pair, 0.0)
        needed = [*pair[0], *pair[1]]
        rows = presence[:, needed].all(dim=1).nonzero().flatten()
        if not weight or not len(rows):
            continue
        for subset in pair:
            if subset not in embeddings:
                raise ValueError(f"subset {subset} has no embedding; embed it or give weight 0")
        among = None if ignored is None else ignored[rows][:, rows]
        first, second = (embeddings[subset][rows] for subset in pair)
        total = total + weight * info_nce_loss(first, second, temperature, among)
        mass += weight
    return total / mass if mass else total
