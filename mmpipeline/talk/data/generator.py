"""Samples of the classes: a pool to train on and to draw references from, and test queries.

Each modality's pool and queries have a random stream of their own, so that another number of
queries leaves the pool as it is. One vectorised draw a modality; 110,000 items take 19 values
each, 8 MB as float32.
"""

from dataclasses import dataclass

import numpy as np

from mmpipeline.arrays import Float32Array
from mmpipeline.config.talk import SyntheticConfig
from mmpipeline.talk.data.parameters import ModalityParameters, Parameters, draw_parameters

Samples = tuple[Float32Array, ...]
"""One entry a modality, shape (C, N, D): N samples of each of C classes."""


@dataclass(frozen=True, slots=True)
class SyntheticData:
    """Everything that a seed experiment works on.

    Attributes
    ----------
    config
        What it was drawn from.
    parameters
        The classes.
    pool
        Samples to train on (known classes) and to draw references from (all classes): one entry
        a modality, shape (C, pool_per_class, D), float32.
    test
        Queries, never references: one entry a modality, shape (C, test_per_class, D), float32.
    """

    config: SyntheticConfig
    parameters: Parameters
    pool: Samples
    test: Samples


def generate(config: SyntheticConfig) -> SyntheticData:
    """Draw the classes and their samples.

    Parameters
    ----------
    config
        Sizes, ranges, families and seed; the same config gives the same values.

    Returns
    -------
    SyntheticData
        Classes, pool and queries.
    """
    parameters = draw_parameters(config)
    return SyntheticData(
        config=config,
        parameters=parameters,
        pool=draw_samples(parameters, config.pool_per_class, (config.seed, 1)),
        test=draw_samples(parameters, config.test_per_class, (config.seed, 2)),
    )


def draw_samples(parameters: Parameters, per_class: int, stream: tuple[int, ...]) -> Samples:
    """Draw samples of every class.

    Parameters
    ----------
    parameters
        The classes.
    per_class
        N.
    stream
        Seed; the modality's number is added to it.

    Returns
    -------
    tuple of numpy.ndarray
        One entry a modality, shape (C, N, D), float32.
    """
    return tuple(
        _draw_modality(modality, per_class, np.random.default_rng([*stream, number]))
        for number, modality in enumerate(parameters)
    )


def _draw_modality(
    modality: ModalityParameters, per_class: int, generator: np.random.Generator
) -> Float32Array:
    classes, dim = modality.mean.shape
    shape = (classes, per_class, dim)
    noise = generator.standard_normal(shape)
    uniform = modality.is_uniform
    half_width = np.sqrt(3.0)
    noise[uniform] = generator.uniform(-half_width, half_width, (int(uniform.sum()), *shape[1:]))
    samples = modality.mean[:, None] + modality.deviation[:, None] * noise
    return samples.astype(np.float32)
