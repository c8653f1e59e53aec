"""GMC: the joint embedding of an item and each of its single modalities find each other."""

import torch
from torch import Tensor

from mmpipeline.losses.nt_xent import nt_xent_loss


def gmc_loss(
    joint: Tensor,
    parts: Tensor,
    present: Tensor | None = None,
    temperature: float | Tensor = 0.1,
    ignored: Tensor | None = None,
) -> Tensor:
    """Sum over modalities of the NT-Xent loss between joint and single embeddings.

    ``sum_m NTXent(z_joint, z_m)``; a term runs over the rows that have the modality, and is 0
    without any. When not to use it: where queries show two of three modalities (pairs are never
    trained; use `everything_at_once_loss` or `cross_subset_loss`); with labels.

    Parameters
    ----------
    joint
        Shape (B, E): embeddings of all that each item has; any length, cosines are taken.
    parts
        Shape (B, M, E): embeddings of each modality alone.
    present
        Shape (B, M), bool; None means all. What stands in absent parts is not read.
    temperature
        Divides the cosines; 0.1 is the paper's.
    ignored
        Shape (B, B), bool, symmetric: items that may be the same, as for `nt_xent_loss`.

    Returns
    -------
    Tensor
        Shape ().

    Raises
    ------
    ValueError
        If shapes do not fit one another.

    References
    ----------
    Poklukar et al. 2022, Geometric Multimodal Contrastive Representation Learning, the
    training objective.
    The paper's items are complete; terms over present rows are this project's.
    """
    rows, count = len(joint), parts.shape[1]
    if parts.shape != (rows, count, joint.shape[1]):
        raise ValueError(
            f"parts has shape {tuple(parts.shape)}; expected ({rows}, M, {joint.shape[1]})"
        )
    if present is None:
        present = torch.ones(rows, count, dtype=torch.bool, device=joint.device)
    if present.shape != (rows, count) or present.dtype != torch.bool:
        raise ValueError(
            f"present is {present.dtype} of shape {tuple(present.shape)}; "
            f"expected bool of shape ({rows}, {count})"
        )
    total = joint[:0].sum()
    for m in range(count):
        has = present[:, m].nonzero().flatten()
        among = None if ignored is None else ignored[has][:, has]
        total = total + nt_xent_loss(joint[has], parts[has, m], temperature, among)
    return total
