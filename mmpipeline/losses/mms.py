"""Masked margin softmax: partners find each other by raw dot product, less a margin."""

import torch
from torch import Tensor
from torch.nn import functional


def mms_loss(
    left: Tensor, right: Tensor, margin: float = 0.001, ignored: Tensor | None = None
) -> Tensor:
    """Sum of both directions' mean negative log share of the partner.

    With S the dot products (no temperature, nothing normalised)::

        -mean_i log( e^(S_ii - m) / ( e^(S_ii - m) + sum_{j != i} e^S_ij ) )
        + the same on S transposed

    When not to use it: with vectors of unit length, where dot products within -1..1 leave the
    softmax flat (use `info_nce_loss`).

    Parameters
    ----------
    left, right
        Shape (B, E), two sides of the same items, row by row.
    margin
        Taken off the partner's score.
    ignored
        Shape (B, B), bool: possible false negatives; the partner is never ignored.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient without rows.

    Raises
    ------
    ValueError
        If the sides differ in shape, or `ignored` is not bool of shape (B, B).

    References
    ----------
    Ilharco et al. 2019, Large-scale Representation Learning from Visually Grounded Untranscribed
    Speech, the masked margin softmax; used by Chen et al. 2021, Multimodal Clustering Networks,
    as its contrastive part.
    """
    count = len(left)
    if right.shape != left.shape:
        raise ValueError(
            f"right has shape {tuple(right.shape)}; expected that of left, {tuple(left.shape)}"
        )
    if not count:
        return left.sum()
    itself = torch.eye(count, dtype=torch.bool, device=left.device)
    scores = left @ right.T - margin * itself.to(left.dtype)
    if ignored is not None:
        if ignored.shape != (count, count) or ignored.dtype != torch.bool:
            raise ValueError(
                f"ignored is {ignored.dtype} of shape {tuple(ignored.shape)}; "
                f"expected bool of shape ({count}, {count})"
            )
        scores = scores.masked_fill(ignored & ~itself, float("-inf"))
    target = torch.arange(count, device=left.device)
    return functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target)
