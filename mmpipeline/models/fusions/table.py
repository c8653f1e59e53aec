"""The table of fusions by name.

All take codes of common width, zero where a modality is absent, and the mask; all give the same
vector whatever an absent input held. Concatenation knows best which modality said what and is the
default; the means treat modalities alike and cost the least; gates, attention and experts weigh
modalities by what they hold; sums and blocks keep what each says apart, so that a query of one
modality reads a full reference as one of that modality.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmpipeline.models.fusions.attention import AttentionFusion
from mmpipeline.models.fusions.blocks import BlockFusion
from mmpipeline.models.fusions.concatenation import ConcatenationFusion
from mmpipeline.models.fusions.graphs import GraphFusion, GraphKind
from mmpipeline.models.fusions.product_of_experts import ProductOfExpertsFusion
from mmpipeline.models.fusions.shape import FusionShape, output_layers
from mmpipeline.models.fusions.weighted_sum import WeightedSumFusion


class MaskedMeanFusion(nn.Module):
    """The mean of the present codes, then two layers.

    Parameters
    ----------
    shape
        Widths, and whether layers are plain.
    """

    def __init__(self, shape: FusionShape) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(shape.hidden_dim, shape.hidden_dim), *output_layers(shape).children()
        )

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Average the codes.

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
        count = mask.sum(dim=1, keepdim=True).clamp(min=1)
        joined: Tensor = self.layers(codes.sum(dim=1) / count)
        return joined


class GatedFusion(nn.Module):
    """A mean whose weights each hidden entry chooses by itself, among what is present.

    Parameters
    ----------
    shape
        Widths, and whether layers are plain.

    References
    ----------
    Arevalo et al. 2017, Gated Multimodal Units for Information Fusion, section 3.1: the gates of
    any number of modalities, as a softmax over those that are present.
    """

    def __init__(self, shape: FusionShape) -> None:
        super().__init__()
        width = shape.hidden_dim
        self.values = nn.ModuleList(nn.Linear(width, width) for _ in range(shape.parts))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(shape.parts))
        self.layers = output_layers(shape)

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Weigh the codes.

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
        values = torch.stack([f(codes[:, m]) for m, f in enumerate(self.values)], dim=1)
        scores = torch.stack([f(codes[:, m]) for m, f in enumerate(self.gates)], dim=1)
        shares = scores.masked_fill(~mask[..., None], float("-inf")).softmax(dim=1)
        joined: Tensor = self.layers((shares * values).sum(dim=1))
        return joined


@dataclass(frozen=True)
class ModelOptions:
    """What a fusion model is built of, beside its widths.

    Attributes
    ----------
    fusion
        One of `FUSIONS`.
    plain
        Layers as the talk draws them: linear and ReLU alone, without layer norms and without the
        linear way around the encoders.
    unit_length
        Whether embeddings are scaled to unit length; without, for losses on plain distances.
    encoder
        One of `ENCODERS`: ``deep``, or ``linear`` for one linear layer on what dropout leaves.
    private_dim, private_weight
        Axes of each modality's codes that have a place of their own beside the shared embedding, 0
        for none; and the weight of those places.
    """

    fusion: str = "concatenation"
    plain: bool = False
    unit_length: bool = True
    encoder: str = "deep"
    private_dim: int = 0
    private_weight: float = 0.6


DEFAULT_OPTIONS = ModelOptions()


def _graph(kind: GraphKind) -> Callable[[FusionShape], nn.Module]:
    return lambda shape: GraphFusion(shape, kind)


FUSIONS: Mapping[str, Callable[[FusionShape], nn.Module]] = {
    "concatenation": ConcatenationFusion,
    "learned_absence": lambda shape: ConcatenationFusion(shape, learned_absence=True),
    "masked_mean": MaskedMeanFusion,
    "weighted_sum": WeightedSumFusion,
    "blocks": BlockFusion,
    "gated": GatedFusion,
    "attention": AttentionFusion,
    "product_of_experts": ProductOfExpertsFusion,
    "shared_graph": _graph("shared"),
    "disjoint_graph": _graph("disjoint"),
    "fine_and_coarse_graph": _graph("fine_and_coarse"),
}
"""Fusions by the name that `train.fusion` gives."""


def build_fusion(name: str, shape: FusionShape) -> nn.Module:
    """Build a fusion by its name.

    Parameters
    ----------
    name
        One of `FUSIONS`.
    shape
        Widths, and whether layers are plain.

    Returns
    -------
    torch.nn.Module
        Takes codes, shape (B, M, H), and a mask, shape (B, M); gives shape (B, E).

    Raises
    ------
    ValueError
        If the name is unknown or the fusion cannot have the shape.
    """
    if name not in FUSIONS:
        raise ValueError(f"fusion {name!r} is unknown; known are {', '.join(FUSIONS)}")
    return FUSIONS[name](shape)
