"""Parameters of a class: a mean, a deviation and a family for each of its modalities.

Parameters are drawn before and apart from any sample, so that more samples of the same classes
leave the classes as they are.
"""

from dataclasses import dataclass

import numpy as np

from mmpipeline.arrays import BoolArray, Float64Array
from mmpipeline.config.talk import SyntheticConfig


@dataclass(frozen=True, slots=True)
class ModalityParameters:
    """The classes' distributions in one modality; C classes, D dimensions.

    Attributes
    ----------
    mean, deviation
        Shape (C, D): of each dimension; dimensions are independent.
    is_uniform
        Shape (C,): uniform on ``mean +- sqrt(3) deviation``, otherwise normal.
    """

    mean: Float64Array
    deviation: Float64Array
    is_uniform: BoolArray


Parameters = tuple[ModalityParameters, ...]
"""One entry a modality."""


def draw_parameters(config: SyntheticConfig) -> Parameters:
    """Draw the classes.

    Parameters
    ----------
    config
        Sizes, ranges, families and seed.

    Returns
    -------
    tuple of ModalityParameters
        One a modality; with `scalar` parameters, the dimensions of a class share theirs.
    """
    return tuple(
        _draw_modality(config, number, dim) for number, dim in enumerate(config.modality_dims)
    )


def _draw_modality(config: SyntheticConfig, number: int, dim: int) -> ModalityParameters:
    generator = np.random.default_rng([config.seed, 0, number])
    shape = (config.classes, dim if config.parameters == "per_dim" else 1)
    mean = generator.uniform(*config.mean_range, shape)
    deviation = generator.uniform(*config.deviation_range, shape)
    is_uniform = generator.random(config.classes) < 0.5
    family = config.families[number % len(config.families)]
    if family != "mixed":
        is_uniform = np.full(config.classes, family == "uniform")
    full = (config.classes, dim)
    return ModalityParameters(
        mean=np.broadcast_to(mean, full).copy(),
        deviation=np.broadcast_to(deviation, full).copy(),
        is_uniform=is_uniform,
    )
