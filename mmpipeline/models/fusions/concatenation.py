"""Fusion by concatenation: the talk's, with the mask bits beside the codes."""

import torch
from torch import Tensor, nn

from mmpipeline.models.fusions.shape import FusionShape, output_layers


class ConcatenationFusion(nn.Module):
    """Joins encoded modalities by concatenation with the mask bits, then two layers.

    Parameters
    ----------
    shape
        Widths, and whether layers are plain.
    learned_absence
        Whether a learned vector stands where a modality is absent, or zeros.
    """

    def __init__(self, shape: FusionShape, learned_absence: bool = False) -> None:
        super().__init__()
        width = shape.parts * shape.hidden_dim + shape.parts
        self.layers = nn.Sequential(
            nn.Linear(width, shape.hidden_dim), *output_layers(shape).children()
        )
        self.absent = (
            nn.Parameter(torch.zeros(shape.parts, shape.hidden_dim)) if learned_absence else None
        )

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Join the codes.

        Parameters
        ----------
        codes
            Shape (B, M, H): encoded modalities, zero where absent.
        mask
            Shape (B, M), bool: which are present.

        Returns
        -------
        Tensor
            Shape (B, E), not normalised.
        """
        if self.absent is not None:
            codes = torch.where(mask[..., None], codes, self.absent.to(codes.dtype))
        joined: Tensor = self.layers(torch.cat([codes.flatten(1), mask.to(codes.dtype)], dim=1))
        return joined
