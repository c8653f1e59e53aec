"""The cosine pair loss of the talk this project goes back to: similarity 1 for the same, 0 else.

Kept as the reproducible baseline, not as the default: its target 0 asks every two classes for
opposite directions, which more than two classes cannot have, so the loss never gets small.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.losses.supervised_contrastive import check_pair_masks

LEAST_SHARE = 1e-7  # under the log, so that a pair at the wrong end costs 16, not infinity


def cosine_pair_loss(
    anchors: Tensor,
    candidates: Tensor,
    positive: Tensor,
    ignored: Tensor,
    error: Literal["square", "cross_entropy"] = "square",
) -> Tensor:
    """Squared error of the cosine mapped to 0..1, positives and negatives weighing one half each.

    With ``s = (cos + 1) / 2``::

        1/2 mean over positive pairs of (1 - s)^2  +  1/2 mean over negative pairs of s^2

    or, as cross-entropy, ``-log s`` and ``-log(1 - s)`` in the places of the squares.
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
    error
        What a pair costs; the talk does not say, `square` is this project's reading.

    Returns
    -------
    Tensor
        Shape (); a half without any pair is 0.

    Raises
    ------
    ValueError
        If the masks do not have shape (A, C), or `error` is unknown.
    """
    check_pair_masks(anchors, candidates, positive, ignored)
    cosines = functional.normalize(anchors, dim=1) @ functional.normalize(candidates, dim=1).T
    similarity = (cosines + 1) / 2
    negative = ~positive & ~ignored
    if error == "square":
        costs = torch.where(positive, 1 - similarity, similarity).square()
    elif error == "cross_entropy":
        costs = -torch.where(positive, similarity, 1 - similarity).clamp(min=LEAST_SHARE).log()
    else:
        raise ValueError(f"error is {error!r}; expected 'square' or 'cross_entropy'")
    return (_mean(costs, positive) + _mean(costs, negative)) / 2


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return values[chosen].sum() / chosen.sum().clamp(min=1)
