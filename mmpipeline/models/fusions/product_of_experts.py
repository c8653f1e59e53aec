"""Product of experts: each modality says where the item lies, and how sure it is.

Precisions add, so what is sure outweighs what is not, more modalities make the result surer, and
the variance of the product tells how sure. It supposes that modalities err independently.
"""

import torch
from torch import Tensor, nn

from mmpipeline.models.fusions.shape import FusionShape

LARGEST_LOG_VARIANCE = 10.0


def product_of_experts(means: Tensor, variances: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Multiply normal experts with a standard normal prior.

    With T_m = 1 / s_m^2 over the present m: ``mu = sum T_m mu_m / (1 + sum T_m)`` and ``variance =
    1 / (1 + sum T_m)``. Nothing present gives the prior.

    Parameters
    ----------
    means, variances
        Shape (B, M, E); absent ones are not read.
    mask
        Shape (B, M), bool.

    Returns
    -------
    mean, variance : Tensor
        Shape (B, E) each.

    References
    ----------
    Wu and Goodman 2018, Multimodal Generative Models for Scalable Weakly-Supervised Learning,
    section 2.2.
    """
    present = mask[..., None]
    precisions = torch.where(present, 1 / torch.where(present, variances, 1.0), 0.0)
    total = 1 + precisions.sum(dim=1)
    mean = (precisions * torch.where(present, means, 0.0)).sum(dim=1) / total
    return mean, 1 / total


class ProductOfExpertsFusion(nn.Module):
    """Two linear layers a modality, to mean and log variance; the embedding is the product's mean.

    Parameters
    ----------
    shape
        Widths; its dropout and norms are not used, as the encoders have their own.
    """

    def __init__(self, shape: FusionShape) -> None:
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Linear(shape.hidden_dim, 2 * shape.embedding_dim) for _ in range(shape.parts)
        )

    def distribution(self, codes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Say where items lie and how surely.

        Parameters
        ----------
        codes
            Shape (B, M, H): encoded modalities, zero where absent.
        mask
            Shape (B, M), bool: which are present.

        Returns
        -------
        mean, variance : Tensor
            Shape (B, E) each.
        """
        outputs = [expert(codes[:, m]) for m, expert in enumerate(self.experts)]
        means, log_variances = torch.stack(outputs, dim=1).chunk(2, dim=2)
        bounded = log_variances.clamp(-LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
        return product_of_experts(means, bounded.exp(), mask)

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Say where items lie.

        Parameters
        ----------
        codes, mask
            As for `distribution`.

        Returns
        -------
        Tensor
            Shape (B, E), not normalised.
        """
        return self.distribution(codes, mask)[0]
