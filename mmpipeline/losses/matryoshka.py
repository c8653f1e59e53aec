"""Matryoshka: any loss, asked again of the first entries of the vectors.

A vector trained so can be cut to a short one, for a quick first search, without another model. The
loss is computed once a width, so a step costs more by the widths' number, encoding excluded.
"""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional


def matryoshka_loss(
    base: Callable[..., Tensor],
    vectors: Sequence[Tensor],
    widths: Sequence[int],
    weights: Sequence[float] | None = None,
) -> Tensor:
    """Weighted sum over widths of a loss on vectors cut to the width.

    ``sum_m c_m base( n(z[:m]) )``, n scaling to unit length *after* the cut, as a search on cut
    vectors must do. When not to use it: where all searches use the full width, which it costs a
    little of.

    Parameters
    ----------
    base
        Takes the cut vectors, as many tensors as `vectors` holds, and returns a loss of shape ().
    vectors
        Shapes (B, E), one or more sides.
    widths
        Increasing, the last normally E.
    weights
        One a width; None weighs all 1.

    Returns
    -------
    Tensor
        Shape ().

    Raises
    ------
    ValueError
        If there are no widths, they do not increase or exceed E, or weights are not one a width.

    References
    ----------
    Kusupati et al. 2022, Matryoshka Representation Learning, equation 1.
    """
    full = min(rows.shape[1] for rows in vectors)
    if not widths or widths[0] < 1 or widths[-1] > full or list(widths) != sorted(set(widths)):
        raise ValueError(f"widths are {list(widths)}; expected increasing numbers from 1 to {full}")
    weights = [1.0] * len(widths) if weights is None else weights
    if len(weights) != len(widths):
        raise ValueError(f"found {len(weights)} weights; expected one a width: {len(widths)}")
    cuts = ([functional.normalize(rows[:, :m], dim=1) for rows in vectors] for m in widths)
    first, *rest = (weight * base(*cut) for weight, cut in zip(weights, cuts, strict=True))
    return sum(rest, first)
