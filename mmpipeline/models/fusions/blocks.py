"""Fusion by a block of the embedding for each modality, and one for what they say together.

Where modalities are independent given the class, the log-likelihood of an item is a sum of terms of
one modality each (naive Bayes). Blocks give the embedding that form: the inner product of two items
is a sum over the modalities that both show, and what a query does not show can neither help nor
disturb it. So a query of one modality meets in a full reference what it would meet in a reference
of that modality alone, also for classes that training never saw. What no sum can say goes into the
last block, which only items of several modalities have.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmpipeline.models.fusions.concatenation import ConcatenationFusion
from mmpipeline.models.fusions.shape import FusionShape


class BlockFusion(nn.Module):
    """Places each present modality in its own block, and their concatenation in the last.

    Each block holds a unit vector times a learned weight, zeros where its modality is absent; the
    last is zero for items of one modality.

    Parameters
    ----------
    shape
        Widths, and whether layers are plain. The embedding is divided into M + 1 blocks of nearly
        equal width, of M = 1 modality into one.

    Raises
    ------
    ValueError
        If the embedding has fewer axes than there are blocks.
    """

    def __init__(self, shape: FusionShape) -> None:
        super().__init__()
        count = shape.parts + 1 if shape.parts > 1 else 1
        ends = [shape.embedding_dim * (block + 1) // count for block in range(count)]
        widths = [end - start for start, end in zip([0, *ends], ends, strict=False)]
        if min(widths) < 1:
            raise ValueError(
                f"embedding_dim is {shape.embedding_dim}; expected at least {count}, one a block"
            )
        self.maps = nn.ModuleList(
            nn.Linear(shape.hidden_dim, width) for width in widths[: shape.parts]
        )
        self.together = (
            ConcatenationFusion(replace(shape, embedding_dim=widths[-1])) if count > 1 else None
        )
        self.log_weights = nn.Parameter(torch.zeros(count))

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Place the codes.

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
        blocks = [(block(codes[:, m]), mask[:, m]) for m, block in enumerate(self.maps)]
        if self.together is not None:
            blocks.append((self.together(codes, mask), mask.sum(dim=1) > 1))
        weights = self.log_weights.exp().to(codes.dtype)
        placed = [
            torch.where(held[:, None], functional.normalize(block, dim=1) * weight, 0.0)
            for (block, held), weight in zip(blocks, weights.unbind(), strict=True)
        ]
        return torch.cat(placed, dim=1)
