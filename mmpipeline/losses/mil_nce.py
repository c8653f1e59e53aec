"""MIL-NCE: several candidates may be right, and it is enough that some are.

Where a photo has many texts and nobody knows which tell of it, the positives' shares are added
before the log, so the model may choose among them.
"""

import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.losses.supervised_contrastive import check_pair_masks


def mil_nce_loss(
    left: Tensor,
    right: Tensor,
    positive: Tensor,
    ignored: Tensor | None = None,
    temperature: float | Tensor = 0.07,
    both_directions: bool = False,
) -> Tensor:
    """Mean negative log of the summed share of a row's positives.

    With S = cos / t, P(i) the positives of row i and N(i) its negatives::

        mean_i -log( sum_{p in P(i)} e^S_ip / ( sum_{p in P(i)} e^S_ip + sum_{n in N(i)} e^S_in ) )

    In both directions, the denominator of row i also holds the other left rows' scores with the
    positives of i, as published. Rows without a positive are left out of the mean, but stay
    negatives. When not to use it: where all positives are true (`supervised_contrastive_loss` pulls
    all of them; this one is content with the nearest).

    Parameters
    ----------
    left
        Shape (A, E), any length; cosines are taken.
    right
        Shape (C, E).
    positive
        Shape (A, C), bool: candidates of which some are right.
    ignored
        Shape (A, C), bool: pairs that are no negatives; must not be positive as well.
    temperature
        Divides the cosines; a tensor of shape () may be learned.
    both_directions
        Whether other left rows are negatives, too.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient when no row has a positive.

    Raises
    ------
    ValueError
        If a mask is not bool of shape (A, C).

    References
    ----------
    Miech et al. 2020, End-to-End Learning of Visual Representations from Uncurated Instructional
    Videos, equation 1.
    """
    if ignored is None:
        ignored = torch.zeros_like(positive, dtype=torch.bool)
    check_pair_masks(left, right, positive, ignored)
    asks = positive.any(dim=1)
    scores = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T / temperature
    if not bool(asks.any()):
        return scores[:0].sum()
    chosen = scores[asks].masked_fill(~positive[asks], float("-inf"))
    counted = scores[asks].masked_fill((ignored & ~positive)[asks], float("-inf"))
    if both_directions:
        negative = ~positive & ~ignored
        pushed = negative.any(dim=0)
        column = scores[:, pushed].masked_fill(~negative[:, pushed], float("-inf")).logsumexp(dim=0)
        others = column.expand(len(chosen), -1)
        others = others.masked_fill(~positive[asks][:, pushed], float("-inf"))
        counted = torch.cat([counted, others], dim=1)
    return (counted.logsumexp(dim=1) - chosen.logsumexp(dim=1)).mean()
