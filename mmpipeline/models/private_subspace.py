"""A place of its own for each part, beside the place that all parts share.

In the shared space a title is compared with all that a recipe is: a title of a dish that training
never saw lies where nothing else of the dish does. Compared with the titles of recipes alone it
would be found, for what one modality's encoder says of a new dish it says twice alike. The
embedding therefore gets a block for each modality: the modality's code, on the strongest axes that
training recipes have, of unit length, zero where the part is not shown. The dot product of two
embeddings is then a weighted mean of the shared cosine and of the cosines between the parts that
both sides show. It is fitted after the training, in closed form, and costs a longer vector.

References
----------
Compare the separate spaces of Alayrac et al. 2020, Self-Supervised MultiModal Versatile Networks,
section 3.1 (*disjoint*), which hold no space that all modalities share.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class PrivateSubspace(nn.Module):
    """Places each modality's code in a block of its own.

    Parameters
    ----------
    parts
        Number of modalities, M.
    hidden_dim
        Width of a code, H.
    width
        Axes that are kept of each modality's codes; at most H are.
    share
        Weight of the blocks in the dot product of two items, 0 to 1; the shared space has the rest.
    """

    axes: Tensor

    def __init__(self, parts: int, hidden_dim: int, width: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.register_buffer("axes", torch.zeros(parts, hidden_dim, min(width, hidden_dim)))

    @property
    def output_dim(self) -> int:
        """Length of all blocks together."""
        return self.axes.shape[0] * self.axes.shape[2]

    def fit(self, moments: Tensor) -> None:
        """Set the axes.

        Parameters
        ----------
        moments
            Shape (M, H, H): sum of the products of each modality's codes of unit length over
            training recipes. A modality without any keeps no axes, and its block stays zero.
        """
        _, vectors = torch.linalg.eigh(moments.double())
        strongest = vectors.flip(2)[:, :, : self.axes.shape[2]]
        told = moments.diagonal(dim1=1, dim2=2).sum(dim=1) > 0
        self.axes.copy_(torch.where(told[:, None, None], strongest, 0.0))

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Place codes.

        Parameters
        ----------
        codes
            Shape (B, M, H).
        mask
            Shape (B, M), bool: what each item shows.

        Returns
        -------
        Tensor
            Shape (B, M * width), rows of unit length, or zero before the axes are fitted.
        """
        blocks = torch.einsum("bmh,mhk->bmk", codes.to(self.axes.dtype), self.axes)
        blocks = torch.where(mask[..., None], functional.normalize(blocks, dim=2), 0.0)
        return functional.normalize(blocks.flatten(1), dim=1)

    def join(self, shared: Tensor, own: Tensor) -> Tensor:
        """Set the shared embedding and the blocks beside each other.

        Parameters
        ----------
        shared
            Shape (B, E), rows of unit length.
        own
            Shape (B, M * width), from `forward`.

        Returns
        -------
        Tensor
            Shape (B, E + M * width), rows of unit length.
        """
        joined = torch.cat([(1 - self.share) ** 0.5 * shared, self.share**0.5 * own], dim=1)
        return functional.normalize(joined, dim=1)


def code_moments(codes: Tensor, mask: Tensor) -> Tensor:
    """Sum the products of codes of unit length.

    Parameters
    ----------
    codes
        Shape (B, M, H).
    mask
        Shape (B, M), bool: which codes are there.

    Returns
    -------
    Tensor
        Shape (M, H, H), float64.
    """
    unit = torch.where(mask[..., None], functional.normalize(codes.double(), dim=2), 0.0)
    moments: Tensor = torch.einsum("bmh,bmk->mhk", unit, unit)
    return moments
