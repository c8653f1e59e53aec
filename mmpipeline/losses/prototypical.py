"""Prototypical softmax: a row is named by the nearest of its batch's class means.

Two ways to make means and queries of one batch. An episode keeps support and queries apart, as the
paper does; leave-one-out makes every row a query against the means of the others, which uses each
row twice. Without itself a row's own mean is ``M/(M-1)`` times as far away as with itself, so the
leave-one-out distances cost one factor and no further means.
"""

import torch
from torch import Tensor
from torch.nn import functional


def leave_one_out_prototypical_loss(
    vectors: Tensor, labels: Tensor, temperature: float | Tensor = 0.1
) -> Tensor:
    """Mean negative log share of a row's own class mean, made without the row.

    With M rows of a class, c_k the mean of class k, and for a row's own class the mean of the
    other M - 1 rows::

        mean over rows i of  -log softmax_k( -|z_i - c_k|^2 / t ) [y_i]

    Rows alone in their class are no queries; their mean stays a wrong answer for others. When not
    to use it: where an item of the same class may still be wrong (retrieval of one's own recipe);
    with two or three classes a batch, which ask nothing; with K far from the K of use, as the
    distances learn the noise of a mean of M - 1.

    Parameters
    ----------
    vectors
        Shape (N, E), in the scale of use: unit length when cosines are searched.
    labels
        Shape (N,), integers.
    temperature
        Divides the squared distances; a tensor of shape () may be learned.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient when no class has two rows, or there is only one class.

    Raises
    ------
    ValueError
        If `labels` does not have one integer a row.

    References
    ----------
    Snell et al. 2017, Prototypical Networks for Few-shot Learning, equations 1 and 2; leave-one-out
    and the learned temperature are this project's.
    """
    _check_labels(vectors, labels, "labels")
    codes = torch.unique(labels, return_inverse=True)[1]
    own = functional.one_hot(codes).to(vectors.dtype)
    sizes = own.sum(dim=0)
    means = (own.T @ vectors) / sizes[:, None]
    size = sizes[codes]
    farther = (size / (size - 1).clamp(min=1)).square()
    distances = squared_distances(vectors, means) * (1 + own * (farther[:, None] - 1))
    is_query = size > 1
    if not bool(is_query.any()):
        return vectors[:0].sum()
    return functional.cross_entropy((-distances / temperature)[is_query], codes[is_query])


def episode_prototypical_loss(
    support: Tensor,
    support_labels: Tensor,
    queries: Tensor,
    query_labels: Tensor,
    temperature: float | Tensor = 1.0,
) -> Tensor:
    """Mean negative log share of the queries' classes among the support means.

    ``mean over queries of -log softmax_k( -|f(x) - c_k|^2 / t ) [y]``, c_k the mean of the
    support rows of class k. When not to use it: as for the leave-one-out form; and where rows are
    few, since support rows are never queries.

    Parameters
    ----------
    support
        Shape (S, E).
    support_labels
        Shape (S,), integers.
    queries
        Shape (Q, E).
    query_labels
        Shape (Q,), integers, each the class of some support row.
    temperature
        Divides the squared distances; 1 is the paper's.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient without queries.

    Raises
    ------
    ValueError
        If labels do not fit their rows, or a query's class has no support.

    References
    ----------
    Snell et al. 2017, equations 1 and 2, algorithm 1.
    """
    _check_labels(support, support_labels, "support_labels")
    _check_labels(queries, query_labels, "query_labels")
    if not len(queries):
        return queries[:0].sum()
    classes, codes = torch.unique(support_labels, return_inverse=True)
    column = torch.searchsorted(classes, query_labels).clamp(max=max(len(classes) - 1, 0))
    if not len(classes) or bool((classes[column] != query_labels).any()):
        raise ValueError("a query's class has no support row; give each class of the queries some")
    own = functional.one_hot(codes).to(support.dtype)
    means = (own.T @ support) / own.sum(dim=0)[:, None]
    return functional.cross_entropy(-squared_distances(queries, means) / temperature, column)


def squared_distances(rows: Tensor, others: Tensor) -> Tensor:
    """Squared Euclidean distances, smooth everywhere.

    Parameters
    ----------
    rows, others
        Shapes (N, E) and (C, E). Both are moved by the rows' mean first, so that a large common
        part costs no precision.

    Returns
    -------
    Tensor
        Shape (N, C); rounding may leave a zero distance slightly negative.
    """
    middle = rows.detach().mean(dim=0)
    rows, others = rows - middle, others - middle
    products = rows @ others.T
    return rows.square().sum(dim=1)[:, None] - 2 * products + others.square().sum(dim=1)


def _check_labels(vectors: Tensor, labels: Tensor, name: str) -> None:
    if labels.shape != vectors.shape[:1] or labels.is_floating_point():
        raise ValueError(
            f"{name} is {labels.dtype} of shape {tuple(labels.shape)}; "
            f"expected integers of shape ({len(vectors)},)"
        )
