"""Mean and deviation of each modality's training inputs, in one pass of bounded memory."""

import numpy as np
import torch
from torch import Tensor

from mmpipeline.arrays import Int32Array
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.schemas import MODALITIES

BLOCK_ROWS = 8192


def measure_inputs(features: FeatureSet, rows: Int32Array) -> dict[str, tuple[Tensor, Tensor]]:
    """Measure the feature vectors of some recipes.

    Parameters
    ----------
    features
        The feature set.
    rows
        Shape (R,), its rows to measure; those that lack a modality do not count for it.

    Returns
    -------
    dict
        By modality, mean and standard deviation, shape (D,), float32. Zeros for a modality that
        none of the recipes has.
    """
    statistics: dict[str, tuple[Tensor, Tensor]] = {}
    for column, name in enumerate(MODALITIES):
        present = rows[features.presence[rows, column]]
        total = np.zeros(features.dims[name])
        squares = np.zeros_like(total)
        matrix = features.matrix(name)
        for start in range(0, len(present), BLOCK_ROWS):
            block = matrix[present[start : start + BLOCK_ROWS]].astype(np.float64)
            total += block.sum(axis=0)
            squares += np.square(block).sum(axis=0)
        count = max(1, len(present))
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - np.square(mean), 0.0))
        statistics[name] = (
            torch.from_numpy(mean.astype(np.float32)),
            torch.from_numpy(deviation.astype(np.float32)),
        )
    return statistics
