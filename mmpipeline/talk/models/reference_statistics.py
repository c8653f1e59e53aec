"""Statistics of a set of references, dimension by dimension, as numbers for a net.

Place, spread and shape: mean, variance, kurtosis, ends. A variance of few references is noise, so
it is drawn towards a common one before anything is divided by it; the shape is too, by the same
division. Whether a class is flat or bell-shaped is a property of all its dimensions, so the
shape also comes averaged over them. Every statistic is a sum or an extreme over the references:
one pass over them, and no order among them.
"""

import math

import torch
from torch import Tensor

PRIOR_WEIGHT = 1.5
"""So many references' worth of belief in `PRIOR_VARIANCE`."""
PRIOR_VARIANCE = 0.6
"""In units of the known classes' total variance: about what one class keeps of it."""
LARGEST_KURTOSIS = 10.0
PER_DIMENSION = 8
PER_SET = 7
STATISTICS = PER_DIMENSION + PER_SET


def reference_statistics(references: Tensor) -> Tensor:
    """Describe each class's references in each dimension.

    Parameters
    ----------
    references
        Shape (C, K, D), standardised by the known classes; K at least 1.

    Returns
    -------
    Tensor
        Shape (C, D, `STATISTICS`). Of the dimension: mean, log variance, deviation (both shrunk:
        ``(K v + w v0) / (K - 1 + w)``), a third of the kurtosis, greatest and least value in
        deviations from the mean, greatest and least value. Of the set: mean kurtosis, mean reach,
        mean range, mean absolute deviation, greatest reach, ``log(K) / 5``, ``1 / sqrt(K)``.
    """
    drawn = references.shape[1]
    mean = references.mean(dim=1)
    centred = references - mean[:, None]
    variance = centred.square().mean(dim=1)
    weight = max(drawn - 1, 0) + PRIOR_WEIGHT
    shrunk = (drawn * variance + PRIOR_WEIGHT * PRIOR_VARIANCE) / weight
    deviation = shrunk.sqrt()
    kurtosis = (centred.pow(4).mean(dim=1) / shrunk.square()).clamp(max=LARGEST_KURTOSIS)
    greatest, least = references.amax(dim=1), references.amin(dim=1)
    above, below = (greatest - mean) / deviation, (mean - least) / deviation
    own = [mean, shrunk.log(), deviation, kurtosis / 3, above, below, greatest, least]
    reach = torch.maximum(above, below)
    shape = [
        kurtosis.mean(dim=1),
        reach.mean(dim=1),
        (above + below).mean(dim=1),
        (centred.abs().mean(dim=1) / deviation).mean(dim=1),
        reach.amax(dim=1),
        torch.full_like(mean[:, 0], math.log(drawn) / 5),
        torch.full_like(mean[:, 0], drawn**-0.5),
    ]
    shared = torch.stack(shape, dim=-1)[:, None].expand(-1, mean.shape[1], -1)
    return torch.cat([torch.stack(own, dim=-1), shared], dim=-1)
