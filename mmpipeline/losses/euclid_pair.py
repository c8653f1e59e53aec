"""The Euclidean pair loss of the talk this project goes back to: near for the same, far else.

Kept as the reproducible baseline, not as the default: of all losses measured on unseen classes it
did worst, as a margin says nothing about which of two far classes is farther.
"""

import torch
from torch import Tensor

from mmpipeline.losses.prototypical import squared_distances
from mmpipeline.losses.supervised_contrastive import check_pair_masks

SMOOTHING = 1e-8  # under the root: its gradient at distance 0 is not a number otherwise


def euclid_pair_loss(
    anchors: Tensor, candidates: Tensor, positive: Tensor, ignored: Tensor, margin: float = 2.0
) -> Tensor:
    """Squared distance of positives, squared shortfall of negatives, one half each.

    With d the Euclidean distance (nothing is normalised) and m the margin::

        1/2 mean over positive pairs of d^2  +  1/2 mean over negative pairs of max(0, m - d)^2

    When not to use it: for ranking quality, or where vectors are searched by cosine.

    Parameters
    ----------
    anchors
        Shape (A, E).
    candidates
        Shape (C, E).
    positive
        Shape (A, C), bool: similar pairs.
    ignored
        Shape (A, C), bool: pairs that do not count (an item with itself).
    margin
        Distance from which a negative costs nothing.

    Returns
    -------
    Tensor
        Shape (); a half without any pair is 0.

    Raises
    ------
    ValueError
        If the masks do not have shape (A, C).

    References
    ----------
    Hadsell et al. 2006, Dimensionality Reduction by Learning an Invariant Mapping, equation 4,
    without its factors of one half, and with balanced halves.
    """
    check_pair_masks(anchors, candidates, positive, ignored)
    squared = squared_distances(anchors, candidates).clamp(min=0)
    negative = ~positive & ~ignored
    shortfall = (margin - (squared[negative] + SMOOTHING).sqrt()).clamp(min=0).square()
    pull = squared[positive].sum() / positive.sum().clamp(min=1)
    push = torch.sum(shortfall) / negative.sum().clamp(min=1)
    return (pull + push) / 2
