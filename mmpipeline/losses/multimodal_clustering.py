"""MCN's three parts: modalities meet in pairs, at shared centroids, and remember their inputs.

The clusters come from `CentroidQueue`; until its queue is full the middle part is left out. The
decoders of the third part are `mmpipeline.models.ReconstructionDecoder`.
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.losses.mms import mms_loss

WEIGHTS = (1.0, 1.0, 50.0)  # of contrast, clusters and reconstruction, as published


def multimodal_clustering_loss(
    parts: Tensor,
    presence: Tensor,
    clusters: tuple[Tensor, Tensor] | None,
    decoded: tuple[Sequence[Tensor], Sequence[Tensor]] | None = None,
    weights: tuple[float, float, float] = WEIGHTS,
) -> Tensor:
    """Weighted sum of contrast, centroids and reconstruction.

    When not to use it: with labels (they are better clusters); with so little data that a queue
    never fills.

    Parameters
    ----------
    parts
        Shape (B, M, E): embeddings of each modality; absent ones are not read.
    presence
        Shape (B, M), bool.
    clusters
        Centroids, shape (K, E), and the items' clusters, shape (B,); None before there are any.
    decoded
        What decoders made, and the encoders' inputs, as for `reconstruction_loss`; None leaves the
        part out.
    weights
        Of the three parts.

    Returns
    -------
    Tensor
        Shape ().

    Raises
    ------
    ValueError
        If shapes do not fit one another.

    References
    ----------
    Chen et al. 2021, Multimodal Clustering Networks for Self-supervised Learning from Unlabeled
    Videos, the whole objective; the weights are those of the authors' program.
    """
    total = weights[0] * pairwise_contrast_loss(parts, presence)
    if clusters is not None:
        total = total + weights[1] * centroid_loss(parts, presence, *clusters)
    if decoded is not None:
        total = total + weights[2] * reconstruction_loss(*decoded, presence)
    return total


def pairwise_contrast_loss(parts: Tensor, presence: Tensor, margin: float = 0.001) -> Tensor:
    """Sum over pairs of modalities of their masked margin softmax.

    ``MMS(1,2) + MMS(1,3) + MMS(2,3)``, each over the items that have both. When not to use it: see
    `mms_loss`.

    Parameters
    ----------
    parts
        Shape (B, M, E): embeddings of each modality; absent ones are not read.
    presence
        Shape (B, M), bool.
    margin
        Of `mms_loss`.

    Returns
    -------
    Tensor
        Shape ().

    Raises
    ------
    ValueError
        If `presence` does not fit `parts`.

    References
    ----------
    Chen et al. 2021, Multimodal Clustering Networks, the contrastive part.
    """
    _check_presence(parts, presence)
    total = parts[:0].sum()
    for first, second in combinations(range(parts.shape[1]), 2):
        rows = (presence[:, first] & presence[:, second]).nonzero().flatten()
        total = total + mms_loss(parts[rows, first], parts[rows, second], margin)
    return total


def mean_embedding(parts: Tensor, presence: Tensor) -> Tensor:
    """Mean of an item's present embeddings, what is clustered; carries no gradient.

    Parameters
    ----------
    parts
        Shape (B, M, E); absent ones are not read.
    presence
        Shape (B, M), bool, no row empty.

    Returns
    -------
    Tensor
        Shape (B, E).

    Raises
    ------
    ValueError
        If `presence` does not fit `parts`.
    """
    _check_presence(parts, presence)
    sums = torch.where(presence[..., None], parts.detach(), 0.0).sum(dim=1)
    return sums / presence.sum(dim=1).clamp(min=1)[:, None]


def centroid_loss(
    parts: Tensor, presence: Tensor, centroids: Tensor, clusters: Tensor, margin: float = 0.001
) -> Tensor:
    """Mean over modalities of how well each finds its item's centroid.

    ``1/M sum_m CE( z_m C^T - margin at the target, c(i) )``, C without gradient; a modality's term
    runs over the items that have it, and those without any are left out of the mean. When not to
    use it: before clusters mean anything, or for telling near items of one cluster apart.

    Parameters
    ----------
    parts
        Shape (B, M, E): embeddings of each modality; absent ones are not read.
    presence
        Shape (B, M), bool.
    centroids
        Shape (K, E).
    clusters
        Shape (B,), int64: the items' clusters, from `CentroidQueue.assign`.
    margin
        Taken off the target's score.

    Returns
    -------
    Tensor
        Shape ().

    Raises
    ------
    ValueError
        If `presence` does not fit `parts`.

    References
    ----------
    Chen et al. 2021, Multimodal Clustering Networks, the clustering part.
    """
    _check_presence(parts, presence)
    centroids = centroids.detach().to(parts.dtype)
    total, terms = parts[:0].sum(), 0
    for m in range(parts.shape[1]):
        rows = presence[:, m].nonzero().flatten()
        if len(rows):
            target = clusters[rows]
            offset = margin * functional.one_hot(target, len(centroids)).to(parts.dtype)
            logits = parts[rows, m] @ centroids.T - offset
            total, terms = total + functional.cross_entropy(logits, target), terms + 1
    return total / max(terms, 1)


def reconstruction_loss(
    rebuilt: Sequence[Tensor], inputs: Sequence[Tensor], presence: Tensor
) -> Tensor:
    """Sum over modalities of the mean squared error to the encoders' inputs.

    When not to use it: with inputs that are mostly noise, which the embedding then has to carry.

    Parameters
    ----------
    rebuilt
        A modality, shape (B, D): what a decoder makes of the embedding.
    inputs
        A modality, shape (B, D): what its encoder was given; no gradient. Absent ones are not
        read.
    presence
        Shape (B, M), bool.

    Returns
    -------
    Tensor
        Shape ().

    Raises
    ------
    ValueError
        If there is not one tensor a modality, or shapes differ.

    References
    ----------
    Chen et al. 2021, Multimodal Clustering Networks, the reconstruction part.
    """
    shapes = [tuple(rows.shape) for rows in rebuilt]
    if shapes != [tuple(rows.shape) for rows in inputs] or len(shapes) != presence.shape[1]:
        raise ValueError(
            f"rebuilt has shapes {shapes}; expected those of the inputs, one a modality of "
            f"presence {tuple(presence.shape)}: {[tuple(rows.shape) for rows in inputs]}"
        )
    total = presence.new_zeros(0, dtype=torch.float32).sum()
    for m, (guess, truth) in enumerate(zip(rebuilt, inputs, strict=True)):
        rows = presence[:, m].nonzero().flatten()
        if len(rows):
            total = total + functional.mse_loss(guess[rows], truth[rows].detach())
    return total


def _check_presence(parts: Tensor, presence: Tensor) -> None:
    if parts.ndim != 3 or presence.shape != parts.shape[:2] or presence.dtype != torch.bool:
        raise ValueError(
            f"presence is {presence.dtype} of shape {tuple(presence.shape)}; expected bool of the "
            f"first two dimensions of parts, {tuple(parts.shape)}"
        )
