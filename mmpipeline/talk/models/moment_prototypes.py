"""Moment-aware prototypes: a class vector made from the statistics of its references, by a net.

A mean of K embeddings forgets how the references spread, and a Gaussian fitted to K of them
believes five references as much as five hundred. Here two small nets, trained over many virtual
classes and every K, agree on a common language of curves. One turns each value of an item into
the heights of W learned curves; the other turns the statistics of K references into the weights of
those curves in the class's log density, as sure of itself as K allows. The score is the inner
product of the two:

    score(x, class) = sum over shown modalities and their dimensions d of  phi(x_d) . w(s_d)

So an item is one vector and a class is one vector, searched by inner product, whatever is
shown: the part of a modality that is absent is zero. This is an amortised empirical Bayes
predictive density, factored over dimensions; dependence between dimensions it does not see. Curves
are shared by all dimensions unless `dims_apart` is set.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from mmpipeline.talk.models.reference_statistics import STATISTICS, reference_statistics

FIXED_CURVES = 3
"""Beside the learned curves: the value, its square, and 1, which make a Gaussian exact."""


class MomentPrototypes(nn.Module):
    """Item vectors, class vectors, and their inner product as a log density.

    Parameters
    ----------
    dims
        Number of values of each modality.
    curves
        W, learned curves a dimension.
    hidden_dim
        Width of the nets' hidden layers.
    dims_apart
        Tell the nets which dimension a value belongs to: for data whose dimensions differ in kind.

    References
    ----------
    Garnelo et al. 2018, Conditional Neural Processes (a net from a set's summary to a predictive
    density); Snell et al. 2017 (classes as vectors).
    """

    def __init__(
        self, dims: Sequence[int], curves: int = 48, hidden_dim: int = 96, *, dims_apart: bool
    ) -> None:
        super().__init__()
        self.dims = tuple(dims)
        self._starts = (0, *accumulate(dims))
        self._code_width = self._starts[-1] if dims_apart else 0
        self.item_net = _build_net(1 + self._code_width, hidden_dim, curves)
        width = STATISTICS + self._code_width
        self.class_net = _build_net(width, hidden_dim, curves + FIXED_CURVES)

    def item_vectors(self, inputs: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Embed items.

        Parameters
        ----------
        inputs
            One entry a modality, shape (N, D), standardised; what is not shown is not read.
        mask
            Shape (N, M), bool: what each item shows.

        Returns
        -------
        Tensor
            Shape (N, V) with V = (W + 3) times the number of values of all modalities.
        """
        parts = []
        for number, values in enumerate(inputs):
            shown = mask[:, number, None]
            value = torch.where(shown, values, 0.0)[..., None]
            learned = self.item_net(self._with_code(value, number))
            curves = torch.cat([learned, value, value.square(), torch.ones_like(value)], dim=-1)
            parts.append(torch.where(shown, curves.flatten(1), 0.0))
        return torch.cat(parts, dim=1)

    def class_vectors(self, references: Sequence[Tensor]) -> Tensor:
        """Make class vectors.

        Parameters
        ----------
        references
            One entry a modality, shape (C, K, D), standardised.

        Returns
        -------
        Tensor
            Shape (C, V), to be multiplied with item vectors.
        """
        parts = [
            self.class_net(self._with_code(reference_statistics(rows), number)).flatten(1)
            for number, rows in enumerate(references)
        ]
        return torch.cat(parts, dim=1)

    def forward(
        self, inputs: Sequence[Tensor], mask: Tensor, references: Sequence[Tensor]
    ) -> Tensor:
        """Score items against classes.

        Parameters
        ----------
        inputs, mask
            As for `item_vectors`.
        references
            As for `class_vectors`.

        Returns
        -------
        Tensor
            Shape (N, C): log densities up to a constant of the item.
        """
        return self.item_vectors(inputs, mask) @ self.class_vectors(references).T

    def _with_code(self, values: Tensor, modality: int) -> Tensor:
        """Append the one-hot number of each dimension; from (N, D, F) to (N, D, F + code)."""
        if not self._code_width:
            return values
        start, stop = self._starts[modality : modality + 2]
        code = torch.eye(self._code_width, dtype=values.dtype)[start:stop]
        return torch.cat([values, code.expand(len(values), -1, -1)], dim=-1)


def _build_net(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.SiLU(),
        nn.Linear(hidden, hidden),
        nn.SiLU(),
        nn.Linear(hidden, outputs),
    )
