"""Fusion of modalities whose values are plain numbers: each value becomes bumps first.

What tells distributions apart is mostly a sum over dimensions of some curve of each value. A net
on the raw value has to bend that curve out of kinks; with a row of Gaussian bumps along the axis
beside the value, every curve is one linear layer away. Measured on the synthetic data it is
worth more than any change of the loss. It costs as many input columns as there are bumps.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.fusions.table import DEFAULT_OPTIONS, ModelOptions

REACH = 3.0
"""Bumps stand from minus to plus so many deviations of the known classes."""


class NumericEncoding(nn.Module):
    """Standardised values, each beside its height on a row of Gaussian bumps.

    Parameters
    ----------
    bumps
        B; 0 leaves values as they are, else at least 2.

    Raises
    ------
    ValueError
        If there is one bump.

    References
    ----------
    Gorishniy et al. 2022, On Embeddings for Numerical Features in Tabular Deep Learning, section
    3 (with piecewise linear and periodic curves in the place of bumps).
    """

    centres: Tensor

    def __init__(self, bumps: int) -> None:
        super().__init__()
        if bumps == 1:
            raise ValueError("one bump has no width; expected none or at least two")
        self.width = 2 * REACH / max(1, bumps - 1)
        self.register_buffer("centres", torch.linspace(-REACH, REACH, bumps), persistent=False)

    def columns(self, dim: int) -> int:
        """Return how many columns `dim` values become."""
        return dim * (1 + len(self.centres))

    def forward(self, values: Tensor) -> Tensor:
        """Encode values.

        Parameters
        ----------
        values
            Shape (N, D).

        Returns
        -------
        Tensor
            Shape (N, D (1 + B)).
        """
        scaled = (values[..., None] - self.centres) / self.width
        return torch.cat([values[..., None], torch.exp(-scaled.square() / 2)], dim=-1).flatten(1)


class NumericFusionModel(nn.Module):
    """A fusion model of numeric modalities, which have numbers instead of names.

    Parameters
    ----------
    dims
        Number of values of each modality.
    hidden_dim, embedding_dim
        As of `FusionModel`.
    bumps
        B of `NumericEncoding`.
    options
        The fusion and the kind of layers.
    """

    def __init__(
        self,
        dims: Sequence[int],
        hidden_dim: int,
        embedding_dim: int,
        bumps: int = 0,
        options: ModelOptions = DEFAULT_OPTIONS,
    ) -> None:
        super().__init__()
        self.encoding = NumericEncoding(bumps)
        widths: Mapping[str, int] = {
            _name(number): self.encoding.columns(dim) for number, dim in enumerate(dims)
        }
        self.fusion_model = FusionModel(widths, hidden_dim, embedding_dim, options=options)

    def forward(self, inputs: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Embed a batch.

        Parameters
        ----------
        inputs
            One entry a modality, shape (N, D), standardised.
        mask
            Shape (N, M), bool: what each item shows.

        Returns
        -------
        Tensor
            Shape (N, E), of unit length unless the options say otherwise.
        """
        encoded = {_name(number): self.encoding(values) for number, values in enumerate(inputs)}
        vectors: Tensor = self.fusion_model(encoded, mask)
        return vectors


def _name(number: int) -> str:
    return f"modality_{number}"
