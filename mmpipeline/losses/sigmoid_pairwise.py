"""Sigmoid pairwise loss (SigLIP): every pair is a yes-or-no question of its own.

No softmax over the batch: a row may have any number of positives, none included, and batches need
not be large. The price is a learned bias that must start near the share of positives.
"""

import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.losses.supervised_contrastive import check_pair_masks


def sigmoid_pairwise_loss(
    left: Tensor,
    right: Tensor,
    positive: Tensor,
    ignored: Tensor | None = None,
    temperature: float | Tensor = 0.1,
    bias: float | Tensor = -10.0,
) -> Tensor:
    """Sum over pairs of the negative log sigmoid of their signed score, a left row.

    ``-1/B sum_ij log sigmoid( l_ij (cos(i,j)/t + b) )``, l = 1 for positives and -1 else; the
    divisor is the number of left rows, not of pairs. When not to use it: where scores are compared
    between queries only by rank (the softmax losses learn rank directly); with a fixed bias far
    from the log odds of a positive.

    Parameters
    ----------
    left
        Shape (B, E), any length; cosines are taken.
    right
        Shape (C, E).
    positive
        Shape (B, C), bool: matches, any number a row.
    ignored
        Shape (B, C), bool: pairs that do not count, positive or not.
    temperature, bias
        As published both are learned, as tensors of shape (): the scale 1/t starts at 10.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient without left rows.

    Raises
    ------
    ValueError
        If a mask is not bool of shape (B, C).

    References
    ----------
    Zhai et al. 2023, Sigmoid Loss for Language Image Pre-Training, equation 2 and algorithm 1.
    """
    if ignored is None:
        ignored = torch.zeros_like(positive, dtype=torch.bool)
    check_pair_masks(left, right, positive, ignored)
    cosines = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T
    logits = cosines / temperature + bias
    gains = functional.logsigmoid(torch.where(positive, logits, -logits))
    return -gains.masked_fill(ignored, 0.0).sum() / max(len(left), 1)
