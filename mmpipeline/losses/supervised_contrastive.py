"""Supervised contrastive loss ("out" form) with explicit positives.

The published loss takes class labels; this one takes a matrix that says which candidate is a
positive of which anchor and another that says which candidates do not count, because pair tables
hold more than labels: mixed items, duplicates, and same-dish items that nobody labelled. Labels
are the special case `positive = same label, not self` and `ignored = self`.
"""

import torch
from torch import Tensor
from torch.nn import functional


def supervised_contrastive_loss(
    anchors: Tensor,
    candidates: Tensor,
    positive: Tensor,
    ignored: Tensor,
    temperature: float | Tensor = 0.1,
) -> Tensor:
    """Mean over anchors of the mean negative log share of their positives.

    For anchor i with positives P(i) and counted candidates C(i) (those not ignored)::

        -1/|P(i)| sum_{p in P(i)} log( exp(cos(i,p)/t) / sum_{c in C(i)} exp(cos(i,c)/t) )

    The other positives stay in the denominator. Anchors without a positive are left out of the
    mean. When not to use it: few rows a class (each anchor needs positives in the batch), or
    classes that must stay apart inside (it pulls a class to a point).

    Parameters
    ----------
    anchors
        Shape (A, E), any length; cosines are taken.
    candidates
        Shape (C, E).
    positive
        Shape (A, C), bool: candidate is a positive of the anchor; must not be ignored as well.
    ignored
        Shape (A, C), bool: candidate does not count for the anchor (itself, possible false
        negatives).
    temperature
        Divides the cosines; small values look at the hardest negatives. A tensor of shape () may be
        learned.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient when no anchor has a positive.

    Raises
    ------
    ValueError
        If the masks do not have shape (A, C).

    References
    ----------
    Khosla et al. 2020, Supervised Contrastive Learning, equation 2.
    """
    check_pair_masks(anchors, candidates, positive, ignored)
    cosines = functional.normalize(anchors, dim=1) @ functional.normalize(candidates, dim=1).T
    counted = positive | ~ignored
    has_positive = positive.any(dim=1)
    logits = (cosines / temperature)[has_positive]
    if not len(logits):
        return logits.sum()
    positive, counted = positive[has_positive], counted[has_positive]
    log_total = logits.masked_fill(~counted, float("-inf")).logsumexp(dim=1, keepdim=True)
    gaps = torch.where(positive, log_total - logits, 0.0)
    return (gaps.sum(dim=1) / positive.sum(dim=1)).mean()


def check_pair_masks(
    anchors: Tensor, candidates: Tensor, positive: Tensor, ignored: Tensor
) -> None:
    """Check that both masks have one row an anchor and one column a candidate.

    Parameters
    ----------
    anchors, candidates
        Shapes (A, E) and (C, E).
    positive, ignored
        Masks that must have shape (A, C) and type bool.

    Raises
    ------
    ValueError
        Naming the mask that does not fit.
    """
    expected = (len(anchors), len(candidates))
    for name, mask in (("positive", positive), ("ignored", ignored)):
        if mask.shape != expected or mask.dtype != torch.bool:
            raise ValueError(
                f"{name} is {mask.dtype} of shape {tuple(mask.shape)}; "
                f"expected bool of shape {expected}"
            )
