"""Attention over the modalities that are present.

A learned token asks, the present codes answer; absent ones get no weight at all, so the number of
modalities is free. One block, as more did not fit the few tokens there are.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmpipeline.models.fusions.shape import FusionShape, output_layers

MOST_HEADS = 4


class AttentionFusion(nn.Module):
    """One transformer block over a fusion token and the present codes.

    Parameters
    ----------
    shape
        Widths; the hidden width is split into four heads where it can be.

    References
    ----------
    Vaswani et al. 2017, Attention Is All You Need, equation 1; Nagrani et al. 2021, Attention
    Bottlenecks for Multimodal Fusion, for the token that alone is read.
    """

    def __init__(self, shape: FusionShape) -> None:
        super().__init__()
        width = shape.hidden_dim
        self._heads = next(n for n in range(MOST_HEADS, 0, -1) if width % n == 0)
        self.token = nn.Parameter(torch.randn(width) * width**-0.5)
        self.modality = nn.Parameter(torch.randn(shape.parts, width) * width**-0.5)
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.combine = nn.Linear(width, width)
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), *output_layers(shape).children()
        )

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Let the token read the present codes.

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
        rows, _, width = codes.shape
        token = self.token.to(codes.dtype).expand(rows, 1, width)
        tokens = torch.cat([token, codes + self.modality.to(codes.dtype)], dim=1)
        seen = torch.cat([mask.new_ones(rows, 1), mask], dim=1)
        split = self.project(self.norm(tokens)).unflatten(2, (3, self._heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (B, heads, M + 1, H / heads)
        scores = query[:, :, :1] @ key.transpose(2, 3) * key.shape[-1] ** -0.5
        shares = functional.softmax(scores.masked_fill(~seen[:, None, None], float("-inf")), dim=-1)
        answer = (shares @ value).transpose(1, 2).flatten(2)[:, 0]
        joined: Tensor = self.layers(tokens[:, 0] + self.combine(answer))
        return joined
