"""NT-Xent, the loss of SimCLR: two views of an item find each other among all other rows."""

import torch
from torch import Tensor

from mmpipeline.losses.supervised_contrastive import supervised_contrastive_loss


def nt_xent_loss(
    first: Tensor,
    second: Tensor,
    temperature: float | Tensor = 0.1,
    ignored: Tensor | None = None,
) -> Tensor:
    """Mean over 2N rows of the negative log share of the other view.

    p(k) is the other view of row k::

        1/(2N) sum_k -log( exp(cos(k,p(k))/t) / sum_{a != k} exp(cos(k,a)/t) )

    The authors' program adds the two directions and so returns twice this. When not to use it:
    with labels (`supervised_contrastive_loss` uses them); with small batches; where items of a
    batch share a class and no mask says so.

    Parameters
    ----------
    first, second
        Shape (N, E), two views of the same items, row by row; any length, cosines are taken.
    temperature
        Divides the cosines; a tensor of shape () may be learned.
    ignored
        Shape (N, N), bool, symmetric: items that may be the same and are no negatives of one
        another under either view. The diagonal is not read.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient without rows.

    Raises
    ------
    ValueError
        If the views differ in shape, or `ignored` is not bool of shape (N, N).

    References
    ----------
    Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations,
    equation 1 and algorithm 1.
    """
    if first.shape != second.shape:
        raise ValueError(
            f"second has shape {tuple(second.shape)}; expected that of first, {tuple(first.shape)}"
        )
    count = len(first)
    if ignored is None:
        ignored = torch.zeros(count, count, dtype=torch.bool, device=first.device)
    if ignored.shape != (count, count) or ignored.dtype != torch.bool:
        raise ValueError(
            f"ignored is {ignored.dtype} of shape {tuple(ignored.shape)}; "
            f"expected bool of shape ({count}, {count})"
        )
    rows = torch.cat([first, second])
    itself = torch.eye(2 * count, dtype=torch.bool, device=first.device)
    partner = itself.roll(count, dims=1)
    uncounted = (ignored.repeat(2, 2) | itself) & ~partner
    return supervised_contrastive_loss(rows, rows, partner, uncounted, temperature)
