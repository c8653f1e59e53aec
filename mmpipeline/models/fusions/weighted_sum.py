"""Fusion by a weighted sum of what each modality says by itself.

Codes are mapped to the embedding and brought to unit length one by one, then added with one learned
weight a modality. Each part keeps a place of its own in the space, so a subset can never say what
its parts do not: single parts lie near full items after little training, and what is learned of
one dish carries over to another. What it cannot do is let one part change how another is read;
with some thousands of recipes that costs nothing, see docs/food-model.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmpipeline.models.fusions.shape import FusionShape


class WeightedSumFusion(nn.Module):
    """Adds the unit vectors of the present modalities, each with a learned weight.

    Parameters
    ----------
    shape
        Widths.
    """

    def __init__(self, shape: FusionShape) -> None:
        super().__init__()
        self.maps = nn.ModuleList(
            nn.Identity()
            if shape.hidden_dim == shape.embedding_dim
            else nn.Linear(shape.hidden_dim, shape.embedding_dim)
            for _ in range(shape.parts)
        )
        self.log_weights = nn.Parameter(torch.zeros(shape.parts))

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Add the codes.

        Parameters
        ----------
        codes
            Shape (B, M, H): encoded modalities, zero where absent.
        mask
            Shape (B, M), bool: which are present, no row empty.

        Returns
        -------
        Tensor
            Shape (B, E), not normalised.
        """
        parts = torch.stack([part(codes[:, m]) for m, part in enumerate(self.maps)], dim=1)
        weights = self.log_weights.exp()[:, None].to(parts.dtype)
        parts = torch.where(mask[..., None], functional.normalize(parts, dim=2) * weights, 0.0)
        joined: Tensor = parts.sum(dim=1)
        return joined
