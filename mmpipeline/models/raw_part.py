"""What raw features tell apart, kept beside what was learned.

A net trained on few dishes forgets what separates dishes it never saw; raw features do not. The
embedding therefore has two parts: the learned one, and for each modality a block of raw features,
centred on the training recipes, on their strongest principal axes, of unit length. The dot product
of two such embeddings is a weighted mean of the learned cosine and the raw cosines of the parts
that both sides show. The weights are shares chosen on validation recipes, one for each number of
parts that an item shows; a share of 0 leaves the learned part alone.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class RawPart(nn.Module):
    """Projects raw features and weighs them beside a learned embedding.

    Parameters
    ----------
    dims
        Width of each modality's feature vector, by name.
    width
        Principal axes that are kept of each modality.
    """

    share: Tensor

    def __init__(self, dims: Mapping[str, int], width: int) -> None:
        super().__init__()
        self.modalities = tuple(dims)
        self.width = width
        for name, dim in dims.items():
            self.register_buffer(f"mean_{name}", torch.zeros(dim))
            self.register_buffer(f"axes_{name}", torch.zeros(dim, width))
        self.register_buffer("share", torch.zeros(len(dims) + 1))

    @property
    def output_dim(self) -> int:
        """Length of the raw part."""
        return self.width * len(self.modalities)

    def fit(self, name: str, features: Tensor) -> None:
        """Find the axes of one modality.

        Parameters
        ----------
        name
            The modality.
        features
            Shape (N, D), of training recipes that have it; with fewer than two nothing is kept.
        """
        if len(features) < 2:
            return
        mean = features.mean(dim=0)
        centred = functional.normalize(features - mean, dim=1)
        kept = min(self.width, *centred.shape)
        _, _, axes = torch.svd_lowrank(centred, q=kept, niter=4)
        self.get_buffer(f"mean_{name}").copy_(mean)
        self.get_buffer(f"axes_{name}")[:, :kept] = axes

    def set_shares(self, shares: Sequence[float]) -> None:
        """Set the weight of the raw part.

        Parameters
        ----------
        shares
            For items that show 1, 2, ... parts: 0 to 1.

        Raises
        ------
        ValueError
            If there is not one for each number of parts, or one is out of range.
        """
        if len(shares) != len(self.modalities) or not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares are {list(shares)}; expected {len(self.modalities)} in 0..1")
        self.share.copy_(torch.tensor([0.0, *shares]))

    def forward(self, inputs: Mapping[str, Tensor], mask: Tensor) -> Tensor:
        """Project what items show.

        Parameters
        ----------
        inputs
            By modality, shape (B, D); rows whose mask bit is off are not read.
        mask
            Shape (B, M), bool.

        Returns
        -------
        Tensor
            Shape (B, M * width), rows of unit length, or zero where nothing is told.
        """
        blocks = torch.zeros(len(mask), len(self.modalities), self.width)
        for column, name in enumerate(self.modalities):
            rows = mask[:, column].nonzero().flatten()
            if len(rows):
                centred = inputs[name][rows] - self.get_buffer(f"mean_{name}")
                projected = functional.normalize(centred, dim=1) @ self.get_buffer(f"axes_{name}")
                blocks[rows, column] = functional.normalize(projected, dim=1)
        return functional.normalize(blocks.flatten(1), dim=1)

    def join(self, learned: Tensor, raw: Tensor, mask: Tensor) -> Tensor:
        """Set both parts beside each other by the shares.

        Parameters
        ----------
        learned
            Shape (B, E), rows of unit length.
        raw
            Shape (B, M * width), from `forward`.
        mask
            Shape (B, M), bool: its counts choose the shares.

        Returns
        -------
        Tensor
            Shape (B, E + M * width), rows of unit length.
        """
        share = self.share[mask.sum(dim=1)][:, None]
        joined = torch.cat([(1 - share).sqrt() * learned, share.sqrt() * raw], dim=1)
        return functional.normalize(joined, dim=1)
