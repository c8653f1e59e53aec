"""The cosine pair loss of the talk this project goes back to: similarity 1 for the same, 0 else.

Kept as the reproducible baseline, not as the default: its target 0 asks every two classes for
opposite directions, which more than two classes cannot have, so the loss never gets small.
"""

from torch import Tensor
from torch.nn import functional

from mmpipeline.losses.supervised_contrastive import check_pair_masks


def cosine_pair_loss(
    anchors: Tensor, candidates: Tensor, positive: Tensor, ignored: Tensor
) -> Tensor:
    """Squared error of the cosine mapped to 0..1, positives and negatives weighing one half each.

    With ``s = (cos + 1) / 2``::

        1/2 mean over positive pairs of (1 - s)^2  +  1/2 mean over negative pairs of s^2

    The balance matters: unweighted, the many negatives win and everything collapses towards
    their mean. When not to use it: for ranking quality; the contrastive losses do better.

    Parameters
    ----------
    anchors
        Shape (A, E), any length.
    candidates
        Shape (C, E).
    positive
        Shape (A, C), bool: similar pairs.
    ignored
        Shape (A, C), bool: pairs that do not count (an item with itself).

    Returns
    -------
    Tensor
        Shape (); a half without any pair is 0.

    Raises
    ------
    ValueError
        If the masks do not have shape (A, C).
    """
    check_pair_masks(anchors, candidates, positive, ignored)
    cosines = functional.normalize(anchors, dim=1) @ functional.normalize(candidates, dim=1).T
    similarity = (cosines + 1) / 2
    negative = ~positive & ~ignored
    return (_mean_square(1 - similarity, positive) + _mean_square(similarity, negative)) / 2


def _mean_square(values: Tensor, chosen: Tensor) -> Tensor:
    return values[chosen].square().sum() / chosen.sum().clamp(min=1)
