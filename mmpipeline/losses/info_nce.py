"""Symmetric InfoNCE between two sides of the same items, as CLIP trains image and text.

Row i of one side and row i of the other are one item; every other row is a negative unless a mask
says that it may be the same thing after all. Further rows of the right side are hard negatives
without a partner. Weights make some negatives count more than once; they cost one addition a score.
"""

import torch
from torch import Tensor
from torch.nn import functional


def info_nce_loss(
    left: Tensor,
    right: Tensor,
    temperature: float | Tensor = 0.07,
    ignored: Tensor | None = None,
    negative_weight: Tensor | None = None,
) -> Tensor:
    """Mean of both directions' mean negative log share of the partner.

    With S = cos(left, right) / t and w = 1 for the partner (i, i)::

        1/2 mean_i -log( e^S_ii / sum_j w_ij e^S_ij )
        + 1/2 mean_i -log( e^S_ii / sum_j w_ji e^S_ji )

    The last sum runs over the left rows. When not to use it: where many items of a batch share
    a class and no mask says so; with small batches (the negatives are the batch); for more than one
    positive a row, which is `supervised_contrastive_loss` or `mil_nce_loss`.

    Parameters
    ----------
    left
        Shape (B, E), any length; cosines are taken.
    right
        Shape (C, E), C >= B; rows from B on are hard negatives of the left rows.
    temperature
        Divides the cosines; a tensor of shape () may be learned.
    ignored
        Shape (B, C), bool: possible false negatives, which count in neither direction. The
        partner is never ignored.
    negative_weight
        Shape (B, C), float, how often a negative counts; 0 ignores it. The partner's is not read.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient without rows.

    Raises
    ------
    ValueError
        If `right` has fewer rows than `left`, a mask or weight has the wrong shape or type, or a
        weight is negative or no number.

    References
    ----------
    Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision,
    figure 3; van den Oord et al. 2018, Representation Learning with Contrastive Predictive Coding,
    equation 4. Weighted negatives: Robinson et al. 2021, Contrastive Learning with Hard Negative
    Samples, with the weights given.
    """
    _check(left, right, ignored, negative_weight)
    if not len(left):
        return left.sum()
    partner = torch.eye(len(left), len(right), dtype=torch.bool, device=left.device)
    scores = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T / temperature
    if negative_weight is not None:
        bias = negative_weight.to(scores.dtype).log()
        scores = torch.where(partner, scores, scores + bias)
    if ignored is not None:
        scores = scores.masked_fill(ignored & ~partner, float("-inf"))
    target = torch.arange(len(left), device=left.device)
    back = scores[:, : len(left)].T
    return (functional.cross_entropy(scores, target) + functional.cross_entropy(back, target)) / 2


def _check(
    left: Tensor, right: Tensor, ignored: Tensor | None, negative_weight: Tensor | None
) -> None:
    if len(right) < len(left):
        raise ValueError(
            f"right has {len(right)} rows; expected at least one a left row: {len(left)}"
        )
    expected = (len(left), len(right))
    if ignored is not None and (ignored.shape != expected or ignored.dtype != torch.bool):
        raise ValueError(
            f"ignored is {ignored.dtype} of shape {tuple(ignored.shape)}; "
            f"expected bool of shape {expected}"
        )
    if negative_weight is None:
        return
    if negative_weight.shape != expected or not bool((negative_weight >= 0).all()):
        raise ValueError(
            f"negative_weight has shape {tuple(negative_weight.shape)}; "
            f"expected numbers >= 0 of shape {expected}"
        )
