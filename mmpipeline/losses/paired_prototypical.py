"""Prototypical softmax across two embeddings of the same items.

Queries of one kind meet class means of another, such as items seen through one modality and means
of full items: what a search does whose index holds everything. Each item appears on both sides, so
its own class mean is made without it, or the net would learn to recognise the item.
"""

import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.losses.prototypical import squared_distances


def paired_prototypical_loss(
    queries: Tensor, references: Tensor, labels: Tensor, temperature: float | Tensor = 0.1
) -> Tensor:
    """Mean negative log share of a query's own class mean, made of the other items' references.

    With q_i and r_i two embeddings of item i, c_k the mean of r over class k, and for a query's own
    class the mean without r_i::

        mean over i of  -log softmax_k( -|q_i - c_k|^2 / t ) [y_i]

    With the same vectors twice it is the leave-one-out loss. When not to use it: alone, as nothing
    keeps the references of a class together but what the queries ask for.

    Parameters
    ----------
    queries, references
        Shape (N, E) each: two embeddings of the same items, in the scale of use.
    labels
        Shape (N,), integers.
    temperature
        Divides the squared distances; a tensor of shape () may be learned.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient when no class has two items.

    Raises
    ------
    ValueError
        If shapes differ, or `labels` does not have one integer a row.

    References
    ----------
    Snell et al. 2017, Prototypical Networks for Few-shot Learning, equations 1 and 2; the two
    kinds of embedding are this project's.
    """
    if queries.shape != references.shape or labels.shape != queries.shape[:1]:
        raise ValueError(
            f"queries {tuple(queries.shape)}, references {tuple(references.shape)}, labels "
            f"{tuple(labels.shape)}; expected (N, E) twice and (N,)"
        )
    if labels.is_floating_point():
        raise ValueError(f"labels are {labels.dtype}; expected integers")
    codes = torch.unique(labels, return_inverse=True)[1]
    own = functional.one_hot(codes).to(references.dtype)
    sizes = own.sum(dim=0)
    totals = own.T @ references
    distances = squared_distances(queries, totals / sizes[:, None])
    size = sizes[codes]
    others = (totals[codes] - references) / (size - 1).clamp(min=1)[:, None]
    own_distance = (queries - others).square().sum(dim=1)
    distances = torch.where(own.bool(), own_distance[:, None], distances)
    is_query = size > 1
    if not bool(is_query.any()):
        return queries[:0].sum() + references[:0].sum()
    return functional.cross_entropy((-distances / temperature)[is_query], codes[is_query])
