"""The fit of each modality's private subspace after a training (see `models.private_subspace`)."""

import numpy as np
import torch

from mmpipeline.arrays import Int32Array
from mmpipeline.evaluation.metrics.single_modality import MAX_ROWS
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import device_of, to_device
from mmpipeline.models.embed import gather_features
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.private_subspace import code_moments
from mmpipeline.schemas import MODALITIES

BLOCK_ROWS = 4096


def fit_private_subspace(model: FusionModel, features: FeatureSet, rows: Int32Array) -> None:
    """Find the axes on which each modality has a place of its own.

    Parameters
    ----------
    model
        Trained; one without such places stays as it is.
    features
        The feature set.
    rows
        Shape (R,), recipes; evenly spaced ones when there are more than `MAX_ROWS`.
    """
    if model.private_subspace is None:
        return
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_ROWS)).astype(np.int64)]
    moments = torch.zeros(len(MODALITIES), model.hidden_dim, model.hidden_dim).double()
    device = device_of(model)
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(chosen), BLOCK_ROWS):
            block = chosen[start : start + BLOCK_ROWS].astype(np.int64)
            mask = torch.from_numpy(np.asarray(features.presence[block], dtype=np.bool_))
            inputs = gather_features(features, block, block, device)
            codes = model.encode(inputs, to_device(mask, device))
            moments += code_moments(codes.cpu(), mask)
    model.private_subspace.fit(moments)
