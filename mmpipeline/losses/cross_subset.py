"""Cross-subset loss: the same item under two masks is a positive.

What search needs: a query of one modality must land beside full items. Each item is embedded under
several subsets of what it has (views), and any two views of an item should find each other. The
general form of NT-Xent for any number of views, some of them absent.
"""

import torch
from torch import Tensor

from mmpipeline.losses.supervised_contrastive import supervised_contrastive_loss


def cross_subset_loss(
    views: Tensor,
    temperature: float | Tensor = 0.1,
    shown: Tensor | None = None,
    labels: Tensor | None = None,
) -> Tensor:
    """Supervised contrastive loss in which an item is a class and its views are the rows.

    When not to use it: where items of one class should also meet (give their class as labels to
    `supervised_contrastive_loss` instead); alone, with views that share their inputs, which can
    be recognised by what they share.

    Parameters
    ----------
    views
        Shape (V, B, E): B items under V masks each; any length, cosines are taken.
    temperature
        Divides the cosines; a tensor of shape () may be learned.
    shown
        Shape (V, B), bool: which views exist; None means all. What stands in others is not read.
    labels
        Shape (B,), integers: items of one label are no negatives of one another.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient when no item has two views.

    Raises
    ------
    ValueError
        If `views` does not have three dimensions, or `shown` or `labels` do not fit it.

    References
    ----------
    The objective of Poklukar et al. 2022 (GMC) and Shvetsova et al. 2022 (Everything at Once),
    with random subsets in the place of fixed ones; the loss is Khosla et al. 2020, equation 2.
    """
    if views.ndim != 3:
        raise ValueError(f"views has shape {tuple(views.shape)}; expected (V, B, E)")
    count, items = views.shape[:2]
    shown = torch.ones(count, items, dtype=torch.bool) if shown is None else shown
    labels = torch.arange(items) if labels is None else labels
    if shown.shape != (count, items) or shown.dtype != torch.bool or labels.shape != (items,):
        raise ValueError(
            f"shown is {shown.dtype} of shape {tuple(shown.shape)}, labels of shape "
            f"{tuple(labels.shape)}; expected bool of shape ({count}, {items}) and ({items},)"
        )
    view, item = shown.to(views.device).nonzero(as_tuple=True)
    rows = views[view, item]
    label = labels.to(views.device)[item]
    itself = torch.eye(len(rows), dtype=torch.bool, device=views.device)
    positive = (item[:, None] == item[None, :]) & ~itself
    ignored = (label[:, None] == label[None, :]) & ~positive
    return supervised_contrastive_loss(rows, rows, positive, ignored, temperature)
