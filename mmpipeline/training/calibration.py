"""How much the raw features weigh beside the learned embedding, chosen on validation recipes.

For items that show all parts first, then for queries of three, two and one part against such items:
each time the share with the best validation score. The grid is coarse, since a few hundred recipes
cannot tell finer ones apart; of equal ones the smaller share is taken.
"""

from collections.abc import Callable

import numpy as np
import torch

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel
from mmpipeline.models.raw_part import RawPart
from mmpipeline.schemas import MODALITIES
from mmpipeline.training.pair_table import RowArray

GRID = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
MAX_ROWS = 20_000


def fit_raw_part(part: RawPart, features: FeatureSet, rows: RowArray) -> None:
    """Find the axes of every modality on training recipes.

    Parameters
    ----------
    part
        Filled in place.
    features
        The feature set.
    rows
        Shape (R,), recipes; evenly spaced ones when there are more than `MAX_ROWS`.
    """
    for column, name in enumerate(MODALITIES):
        present = rows[features.presence[rows, column]]
        chosen = np.linspace(0, len(present) - 1, min(len(present), MAX_ROWS)).astype(np.int64)
        values = np.asarray(features.matrix(name)[present[chosen]], dtype=np.float32)
        part.fit(name, torch.from_numpy(values))


def calibrate(
    model: FusionModel, score: Callable[[FusionModel, int], float | None]
) -> tuple[float, ...]:
    """Choose the raw part's shares, the one of full items first.

    Parameters
    ----------
    model
        With a raw part; its shares are set.
    score
        From the model and a number of parts that queries show, how good it is; None when that
        cannot be measured.

    Returns
    -------
    tuple of float
        The shares for 1, 2, ... parts shown.
    """
    part = model.raw_part
    assert part is not None  # the caller asked for one
    count = len(part.modalities)
    shares = [0.0] * count
    for shown in range(count, 0, -1):
        best, best_score = 0.0, -np.inf
        for share in GRID:
            shares[shown - 1] = share
            part.set_shares(shares)
            reached = score(model, shown)
            if reached is not None and reached > best_score:
                best, best_score = share, reached
        shares[shown - 1] = best
    part.set_shares(shares)
    return tuple(shares)
