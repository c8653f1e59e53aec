"""MMV's embedding graphs: which modality meets which others in which space.

Modalities differ in grain: a photo and the ingredients tell details, a title names the dish. The
shared graph puts all in one space. The disjoint graph keeps one space for the first modality with
the fine ones, and one for it with the coarse one. Fine and coarse (FAC) leads from the fine space
on to a coarse one, where the coarse modality joins, so that any two compare there.

As a fusion, an item's vector is the mean of its present modalities in the widest space; in the
disjoint graph, both spaces' means beside one another, half the width each, so that a fine
modality and the coarse one do not compare. Heads use layer norms, not batch norms as published: a
row then does not depend on its neighbours, and there are no running statistics to keep.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmpipeline.models.fusions.heads import ProjectionHead
from mmpipeline.models.fusions.shape import FusionShape

GraphKind = Literal["shared", "disjoint", "fine_and_coarse"]


@dataclass(frozen=True)
class GraphEmbeddings:
    """Where each modality of a batch lies in each space.

    Attributes
    ----------
    fine
        Shape (B, M, F): the space of the fine modalities; zero for those it does not hold.
    coarse
        Shape (B, M, C): the space in which the coarse modality meets the others; zero likewise.
    in_fine, in_coarse
        Shape (M,), bool: which modalities a space holds.
    """

    fine: Tensor
    coarse: Tensor
    in_fine: Tensor
    in_coarse: Tensor


class GraphFusion(nn.Module):
    """A projection head a modality and space; the item is the mean of its parts.

    Parameters
    ----------
    shape
        Widths and the number of the coarse modality.
    kind
        ``shared``, ``disjoint`` or ``fine_and_coarse``.

    Raises
    ------
    ValueError
        If a disjoint graph is to have an odd width, or there is only one modality.

    References
    ----------
    Alayrac et al. 2020, Self-Supervised MultiModal Versatile Networks, section 3.1 and figure 1.
    """

    in_fine: Tensor
    in_coarse: Tensor

    def __init__(self, shape: FusionShape, kind: GraphKind) -> None:
        super().__init__()
        if shape.parts < 2:
            raise ValueError("a graph needs at least two modalities; found one")
        if kind == "disjoint" and shape.embedding_dim % 2:
            raise ValueError(
                f"a disjoint graph splits its width in two; found {shape.embedding_dim}, expected "
                "an even number"
            )
        self.kind = kind
        is_coarse = torch.arange(shape.parts) == shape.coarse % shape.parts
        is_first = torch.arange(shape.parts) == int(is_coarse[0])  # the first that is fine
        width = shape.embedding_dim // 2 if kind == "disjoint" else shape.embedding_dim
        in_fine = torch.ones_like(is_coarse) if kind == "shared" else ~is_coarse
        in_coarse = is_coarse | is_first if kind == "disjoint" else torch.ones_like(is_coarse)
        self.register_buffer("in_fine", in_fine, persistent=False)
        self.register_buffer("in_coarse", in_coarse, persistent=False)

        def make_heads(chosen: Tensor) -> nn.ModuleDict:
            numbers = chosen.nonzero().flatten().tolist()
            heads = {
                str(m): ProjectionHead(shape.hidden_dim, shape.hidden_dim, width) for m in numbers
            }
            return nn.ModuleDict(heads)

        self.fine_heads = make_heads(in_fine)
        own = {"shared": in_coarse & False, "disjoint": in_coarse, "fine_and_coarse": is_coarse}
        self.coarse_heads = make_heads(own[kind])
        self.onward = (
            ProjectionHead(width, shape.hidden_dim, width) if kind == "fine_and_coarse" else None
        )

    def spaces(self, codes: Tensor) -> GraphEmbeddings:
        """Place each modality in the spaces that hold it.

        Parameters
        ----------
        codes
            Shape (B, M, H): encoded modalities; what an absent one gives has no meaning.

        Returns
        -------
        GraphEmbeddings
            Not normalised. For `versatile_loss` take the first modality and another fine one from
            `fine`, the first and the coarse one from `coarse`.
        """
        fine = self._place(self.fine_heads, codes)
        if self.kind == "shared":
            return GraphEmbeddings(fine, fine, self.in_fine, self.in_coarse)
        coarse = self._place(self.coarse_heads, codes)
        if self.onward is not None:
            led_on = self.onward(functional.relu(fine))
            coarse = torch.where(self.in_fine[:, None], led_on, coarse)
        return GraphEmbeddings(fine, coarse, self.in_fine, self.in_coarse)

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        """Make one vector of what is present.

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
        places = self.spaces(codes)
        coarse = _mean_direction(places.coarse, mask & places.in_coarse)
        if self.kind != "disjoint":
            return coarse
        return torch.cat([_mean_direction(places.fine, mask & places.in_fine), coarse], dim=1)

    @staticmethod
    def _place(heads: nn.ModuleDict, codes: Tensor) -> Tensor:
        placed = {int(m): head(codes[:, int(m)]) for m, head in heads.items()}
        nowhere = torch.zeros_like(next(iter(placed.values())))
        return torch.stack([placed.get(m, nowhere) for m in range(codes.shape[1])], dim=1)


def _mean_direction(parts: Tensor, mask: Tensor) -> Tensor:
    """Average the present unit vectors; nothing present gives zeros."""
    units = torch.where(mask[..., None], functional.normalize(parts, dim=2), 0.0)
    return units.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)
