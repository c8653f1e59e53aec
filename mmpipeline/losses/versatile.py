"""MMV's objective: a fine and a coarse term, each over the items that have its modalities.

The missing-modality rule: an item that lacks a modality of a term is neither an anchor nor a
negative in it, and the term stays a mean, so it keeps its weight however few items have both.
"""

import torch
from torch import Tensor

from mmpipeline.losses.mil_nce import mil_nce_loss


def versatile_loss(
    fine: tuple[Tensor, Tensor],
    coarse: tuple[Tensor, Tensor],
    presence: Tensor,
    weights: tuple[float, float] = (1.0, 1.0),
    temperature: float | Tensor = 0.07,
    positive: Tensor | None = None,
) -> Tensor:
    """Weighted sum of NCE in the fine space and MIL-NCE in the coarse one.

    ``w_1 NCE(v, a) + w_2 MILNCE(v, t)``, negatives in both directions. For food: v the photo, a
    ingredients or steps (fine), t the title (coarse). When not to use it: where the second and
    third modality meet in queries as often as the first (no term ever compares them).

    Parameters
    ----------
    fine
        Shapes (B, E1): first and second modality in the space of both.
    coarse
        Shapes (B, E2): first and third modality in the space of all three.
    presence
        Shape (B, 3), bool: which of the three each item has. What stands in absent rows is not
        read.
    weights
        Of the two terms.
    temperature
        Divides the cosines.
    positive
        Shape (B, B), bool: third-modality rows of which some tell of an item (its neighbours in
        time, its class); None takes the item's own.

    Returns
    -------
    Tensor
        Shape (); a term without an eligible item is 0.

    Raises
    ------
    ValueError
        If shapes do not fit `presence`.

    References
    ----------
    Alayrac et al. 2020, Self-Supervised MultiModal Versatile Networks, equations 1-3; the
    missing-modality rule is that of section 3.2's unimodal inputs.
    """
    count = len(presence)
    itself = torch.eye(count, dtype=torch.bool, device=presence.device)
    positive = itself if positive is None else positive
    fits = all(len(rows) == count for rows in (*fine, *coarse, positive))
    if presence.shape != (count, 3) or presence.dtype != torch.bool or not fits:
        raise ValueError(
            f"presence is {presence.dtype} of shape {tuple(presence.shape)}; expected bool of "
            f"shape (B, 3), B the rows of fine {tuple(len(r) for r in fine)}, coarse "
            f"{tuple(len(r) for r in coarse)} and positive ({len(positive)})"
        )
    terms = [
        _eligible_loss(*fine, presence[:, [0, 1]].all(dim=1), itself, temperature),
        _eligible_loss(*coarse, presence[:, [0, 2]].all(dim=1), positive, temperature),
    ]
    return weights[0] * terms[0] + weights[1] * terms[1]


def _eligible_loss(
    left: Tensor, right: Tensor, eligible: Tensor, positive: Tensor, temperature: float | Tensor
) -> Tensor:
    rows = eligible.nonzero().flatten()
    return mil_nce_loss(
        left[rows],
        right[rows],
        positive[rows][:, rows],
        temperature=temperature,
        both_directions=True,
    )
