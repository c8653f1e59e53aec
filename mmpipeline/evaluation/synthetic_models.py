"""Embeddings of synthetic items by a fusion model, in the form that test-bench methods take."""

import torch
from torch import Tensor

from mmpipeline.evaluation.synthetic_bench import Embed, Inputs
from mmpipeline.models import FusionModel
from mmpipeline.synthetic import Subset

ROWS_PER_BLOCK = 8192


def embed_by(model: FusionModel) -> Embed:
    """Return the embedding of items by a model whose modalities are named by their numbers.

    Parameters
    ----------
    model
        In evaluation mode.

    Returns
    -------
    callable
        From inputs, one entry a modality, shape (N, D), and the subset they show to vectors, shape
        (N, E). What was embedded last is not kept.
    """

    def embed(inputs: Inputs, subset: Subset) -> Tensor:
        shown = torch.tensor([number in subset for number in range(len(inputs))])
        blocks = []
        for start in range(0, len(inputs[0]), ROWS_PER_BLOCK):
            rows = {
                str(number): inputs[number][start : start + ROWS_PER_BLOCK] for number in subset
            }
            count = len(rows[str(subset[0])])
            blocks.append(model.embed(rows, shown.expand(count, -1)))
        return torch.cat(blocks)

    return embed
