"""The Bayes bound: classification by the true densities.

The rule is exact; its accuracy is measured on the drawn queries and carries their sampling
error, so a method can be ahead of the printed bound by chance, and by no more.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmpipeline.arrays import Float64Array
from mmpipeline.talk.data.generator import Samples, SyntheticData
from mmpipeline.talk.data.parameters import ModalityParameters, Parameters
from mmpipeline.talk.data.subsets import Subset, all_subsets

SUPPORT_SLACK = 1e-6
"""Share of a deviation by which a sample may lie outside its support: it is float32."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Share of queries that the Bayes rule names right.

    Attributes
    ----------
    top1, top5
        Shares, 0 to 1; a wrong class of equal density counts as ahead of the right one.
    error
        Standard error of `top1` from the number of queries.
    """

    top1: float
    top5: float
    error: float


def log_densities(modality: ModalityParameters, samples: NDArray[np.floating]) -> Float64Array:
    """Log density of samples under every class, in one modality.

    ::

        normal:   sum_d  -(x_d - mean_d)^2 / (2 s_d^2) - log s_d - log(2 pi) / 2
        uniform:  sum_d  -log(2 sqrt(3) s_d)  inside mean_d +- sqrt(3) s_d, minus infinity outside

    Parameters
    ----------
    modality
        The classes.
    samples
        Shape (Q, D).

    Returns
    -------
    numpy.ndarray
        Shape (Q, C), natural logarithm.
    """
    total = np.zeros((len(samples), len(modality.mean)))
    uniform = modality.is_uniform
    inside = np.ones((len(samples), int(uniform.sum())), dtype=np.bool_)
    for dim, values in enumerate(samples.astype(np.float64).T):
        deviation = modality.deviation[:, dim]
        scaled = (values[:, None] - modality.mean[:, dim]) / deviation
        total -= np.log(deviation)
        total[:, ~uniform] -= scaled[:, ~uniform] ** 2 / 2 + math.log(2 * math.pi) / 2
        total[:, uniform] -= math.log(2 * math.sqrt(3))
        inside &= np.abs(scaled[:, uniform]) <= math.sqrt(3) + SUPPORT_SLACK
    total[:, uniform] = np.where(inside, total[:, uniform], -np.inf)
    return total


def bayes_scores(parameters: Parameters, samples: Samples, subset: Subset) -> Float64Array:
    """Score queries by the true log densities of the modalities that they show.

    Parameters
    ----------
    parameters
        The classes.
    samples
        One entry a modality, shape (Q, D) or (C, N, D).
    subset
        The modalities shown; at least one.

    Returns
    -------
    numpy.ndarray
        Shape (Q, C), or (C N, C) with queries in the order of their classes.

    Raises
    ------
    ValueError
        If the subset is empty.
    """
    if not subset:
        raise ValueError("the subset shows no modality; expected at least one")
    parts = [
        log_densities(parameters[number], samples[number].reshape(-1, samples[number].shape[-1]))
        for number in subset
    ]
    total: Float64Array = np.sum(parts, axis=0)
    return total


def bayes_bound(data: SyntheticData) -> dict[tuple[Subset, int], Bound]:
    """Measure the Bayes rule on the test queries for every subset and scope.

    Parameters
    ----------
    data
        Classes and queries.

    Returns
    -------
    dict
        By subset and scope (its number of classes; queries and candidates are both limited to
        the first classes).
    """
    bounds = {}
    for subset in all_subsets(len(data.parameters)):
        scores = bayes_scores(data.parameters, data.test, subset)
        for scope in data.config.scopes:
            queries = scope * data.config.test_per_class
            bounds[subset, scope] = _measure(scores[:queries, :scope], data.config.test_per_class)
    return bounds


def _measure(scores: Float64Array, per_class: int) -> Bound:
    label = np.repeat(np.arange(scores.shape[1]), per_class)
    right = scores[np.arange(len(scores)), label][:, None]
    rank = (scores >= right).sum(axis=1)
    top1 = float((rank <= 1).mean())
    error = math.sqrt(top1 * (1 - top1) / len(scores))
    return Bound(top1=top1, top5=float((rank <= 5).mean()), error=error)
