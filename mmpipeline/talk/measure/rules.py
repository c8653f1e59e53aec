"""Rules that make a class out of K references and say how well a query fits it.

A rule takes queries and references as vectors of any kind (embeddings, raw values) and returns a
score for each query and class, larger is better. The mean of K is the talk's rule; the nearest of K
keeps a class of several clumps; a Gaussian uses the spread of the references too, which a mean
throws away. A spread needs references: below `MIN_GAUSSIAN_REFERENCES` the Gaussian rules fall
back to the mean, and `rule_used` says so.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.evaluation.metrics.retrieval import BLOCK_VALUES

Metric = Literal["cosine", "euclid"]
MIN_GAUSSIAN_REFERENCES = 5
VARIANCE_FLOOR = 1e-6
"""Share of the classes' mean variance, per dimension, that a variance does not fall below."""
LEAST_VARIANCE = 1e-12


class PrototypeRule(Protocol):
    """Scores queries against classes that are given by references."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def __call__(self, queries: Tensor, references: Tensor) -> Tensor:
        """Score the queries.

        Parameters
        ----------
        queries
            Shape (Q, E).
        references
            Shape (C, K, E).

        Returns
        -------
        Tensor
            Shape (Q, C), larger is better.
        """


@dataclass(frozen=True, slots=True)
class MeanRule:
    """Distance to the mean of the references.

    With `cosine`, references are scaled to unit length, averaged, and the mean is scaled again;
    with `euclid`, the plain mean, and the score is minus the squared distance.

    Attributes
    ----------
    metric
        Which of the two.

    References
    ----------
    Snell et al. 2017, Prototypical Networks for Few-shot Learning, equation 1.
    """

    metric: Metric = "cosine"

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"mean_{self.metric}"

    def __call__(self, queries: Tensor, references: Tensor) -> Tensor:
        """Score the queries; see `PrototypeRule`."""
        if self.metric == "cosine":
            return score_by_means(queries, mean_of_units(references), "cosine")
        return score_by_means(queries, references.mean(dim=1), "euclid")


@dataclass(frozen=True, slots=True)
class NearestRule:
    """Distance to the nearest reference.

    Attributes
    ----------
    metric
        Cosine or Euclid.
    """

    metric: Metric = "cosine"

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"nearest_{self.metric}"

    def __call__(self, queries: Tensor, references: Tensor) -> Tensor:
        """Score the queries block by block; see `PrototypeRule`."""
        classes, drawn, width = references.shape
        rows = references.reshape(classes * drawn, width)
        step = max(1, BLOCK_VALUES // len(rows))
        blocks = [
            score_by_means(block, rows, self.metric).view(len(block), classes, drawn).amax(dim=2)
            for block in torch.split(queries, step)
        ]
        return torch.cat(blocks)


@dataclass(frozen=True, slots=True)
class GaussianRule:
    """Log density of a Gaussian fitted to the references of each class.

    ::

        S_k = (1 - a) Cov_k + a T,  T = mean over classes of Cov_k, or its mean variance times I
        score = -1/2 [ (z - mu_k)^T S_k^-1 (z - mu_k) + log det S_k ]

    Covariances divide by K - 1. Below `MIN_GAUSSIAN_REFERENCES` references the score is that of
    the mean in Euclid's distance.

    Attributes
    ----------
    shape
        `diagonal` takes dimensions as independent; `full` does not, at E^2 values a class.
    shrinkage
        a, 0 to 1.
    target
        T: `pooled` over the classes, or `spherical`: one variance for all dimensions of a class.
    """

    shape: Literal["diagonal", "full"] = "diagonal"
    shrinkage: float = 0.1
    target: Literal["pooled", "spherical"] = "pooled"

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"gaussian_{self.shape}"

    def __call__(self, queries: Tensor, references: Tensor) -> Tensor:
        """Score the queries; see `PrototypeRule`."""
        if references.shape[1] < MIN_GAUSSIAN_REFERENCES:
            return MeanRule("euclid")(queries, references)
        centre = references.mean(dim=(0, 1))  # keeps float32 products small
        queries, references = queries - centre, references - centre
        means = references.mean(dim=1)
        if self.shape == "diagonal":
            return self._score_diagonal(queries, means, references.var(dim=1))
        centred = references - means[:, None]
        covariance = centred.transpose(1, 2) @ centred / (references.shape[1] - 1)
        return self._score_full(queries, means, covariance)

    def _score_diagonal(self, queries: Tensor, means: Tensor, variance: Tensor) -> Tensor:
        pooled = variance.mean(dim=0)
        target = pooled if self.target == "pooled" else variance.mean(dim=1, keepdim=True)
        floor = (VARIANCE_FLOOR * pooled).clamp(min=LEAST_VARIANCE)
        shrunk = torch.maximum((1 - self.shrinkage) * variance + self.shrinkage * target, floor)
        precision = 1 / shrunk
        distances = (
            queries.square() @ precision.T
            - 2 * queries @ (means * precision).T
            + (means.square() * precision).sum(dim=1)
        )
        return -(distances + shrunk.log().sum(dim=1)) / 2

    def _score_full(self, queries: Tensor, means: Tensor, covariance: Tensor) -> Tensor:
        covariance = covariance.double()  # near-singular ones factor without fail
        variance = covariance.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
        spherical = variance * torch.eye(queries.shape[1], dtype=torch.float64)
        target = covariance.mean(dim=0) if self.target == "pooled" else spherical
        shrunk = (1 - self.shrinkage) * covariance + self.shrinkage * target
        floor = VARIANCE_FLOOR * variance.mean().clamp(min=LEAST_VARIANCE)
        shrunk.diagonal(dim1=1, dim2=2).add_(floor)
        factors = torch.linalg.cholesky(shrunk).to(queries.dtype)
        log_determinant = 2 * factors.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        distances = [
            torch.linalg.solve_triangular(factor, (queries - mean).T, upper=False).square().sum(0)
            for factor, mean in zip(factors, means, strict=True)
        ]
        scores: Tensor = -(torch.stack(distances, dim=1) + log_determinant) / 2
        return scores


def rule_used(rule: PrototypeRule, references: int) -> str:
    """Name the rule that a number of references really gets.

    Parameters
    ----------
    rule
        The rule asked for.
    references
        K.

    Returns
    -------
    str
        ``mean_euclid`` for a Gaussian rule with too few references, else the rule's name.
    """
    too_few = isinstance(rule, GaussianRule) and references < MIN_GAUSSIAN_REFERENCES
    return MeanRule("euclid").name if too_few else rule.name


def mean_of_units(references: Tensor) -> Tensor:
    """Average unit vectors and scale the mean to unit length.

    Parameters
    ----------
    references
        Shape (C, K, E), any length.

    Returns
    -------
    Tensor
        Shape (C, E), rows of unit length.
    """
    return functional.normalize(functional.normalize(references, dim=2).mean(dim=1), dim=1)


def score_by_means(queries: Tensor, points: Tensor, metric: Metric) -> Tensor:
    """Cosine, or minus the squared Euclidean distance, to each point.

    Parameters
    ----------
    queries
        Shape (Q, E).
    points
        Shape (N, E); for `cosine` of unit length or of equal lengths.
    metric
        Which.

    Returns
    -------
    Tensor
        Shape (Q, N).
    """
    if metric == "cosine":
        return functional.normalize(queries, dim=1) @ functional.normalize(points, dim=1).T
    products = queries @ points.T
    return 2 * products - queries.square().sum(dim=1, keepdim=True) - points.square().sum(dim=1)
