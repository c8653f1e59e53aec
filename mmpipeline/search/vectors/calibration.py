"""Calibration of scores: the chance that a hit is right, and when there is nothing like it here.

Scores of a photo and scores of a whole recipe are not alike, so both are fitted for each subset
of parts that a query may show, on validation recipes; queries of other forms (items, examples)
take the curve over all of them. The chance is Platt's logistic curve. The threshold separates the
best scores of queries whose dish is here from those of the same queries with their dish taken
away, where it loses least of both (Youden's J).

References
----------
Platt, "Probabilistic outputs for support vector machines", 1999, eq. 1. Youden, "Index for rating
diagnostic tests", 1950, eq. 3.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Self, TypeVar

import numpy as np

from mmpipeline.arrays import BoolArray, Float64Array, IndexArray

Fit = TypeVar("Fit")

ALL = "all"
"""Key of the fit over queries of every form."""
LEAST_PAIRS = 50
"""Scores below which a form of query takes the fit over all."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A logistic curve: chance = 1 / (1 + exp(-(slope score + intercept)))."""

    slope: float
    intercept: float

    def chance(self, score: float) -> float:
        """Return the chance at a score, 0 to 1."""
        return float(1 / (1 + np.exp(-(self.slope * score + self.intercept))))


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least best score of a confident answer, and how well it separates.

    Attributes
    ----------
    score
        The threshold.
    kept, stopped
        Share of queries whose dish is here that pass, and of strangers that do not; measured on
        queries that did not choose the threshold.
    auroc
        Chance that a query whose dish is here scores higher than a stranger.
    """

    score: float
    kept: float
    stopped: float
    auroc: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves and thresholds by the parts of a query, joined by ``+``; `ALL` for any other.

    Attributes
    ----------
    hits, dishes
        Chance that a recipe is of the right dish; that a dish is the right one.
    thresholds
        For the verdict.
    figures
        Brier scores on queries that were not fitted on, beside those of always saying the share.
    """

    hits: dict[str, Curve] = field(default_factory=dict)
    dishes: dict[str, Curve] = field(default_factory=dict)
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(
            hits={key: Curve(**entry) for key, entry in values["hits"].items()},
            dishes={key: Curve(**entry) for key, entry in values["dishes"].items()},
            thresholds={key: Threshold(**entry) for key, entry in values["thresholds"].items()},
            figures=dict(values["figures"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def hit_chance(self, parts: tuple[str, ...], score: float) -> float | None:
        """Return the chance that a recipe of this score is of the right dish, if it was fitted."""
        curve = _pick(self.hits, parts)
        return None if curve is None else curve.chance(score)

    def dish_chance(self, parts: tuple[str, ...], score: float) -> float | None:
        """Return the chance that a dish of this score is the right one, if it was fitted."""
        curve = _pick(self.dishes, parts)
        return None if curve is None else curve.chance(score)

    def threshold(self, parts: tuple[str, ...]) -> float | None:
        """Return the least best score of a confident answer, if one was chosen."""
        found = _pick(self.thresholds, parts)
        return None if found is None else found.score


def _pick(by_parts: dict[str, Fit], parts: tuple[str, ...]) -> Fit | None:
    return by_parts.get("+".join(parts), by_parts.get(ALL))


def fit_curve(scores: Float64Array, is_right: BoolArray) -> Curve | None:
    """Fit a logistic curve.

    Parameters
    ----------
    scores
        Shape (n,).
    is_right
        Shape (n,).

    Returns
    -------
    Curve or None
        None where there are fewer than `LEAST_PAIRS` scores, or all are right or all wrong.
    """
    if len(scores) < LEAST_PAIRS or is_right.all() or not is_right.any():
        return None
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3).fit(scores[:, None], is_right)
    return Curve(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def measure_curve(
    scores: Float64Array, is_right: BoolArray, owner: IndexArray
) -> tuple[float, ...]:
    """Fit on every other query and measure on the rest.

    Parameters
    ----------
    scores, is_right
        Shape (n,).
    owner
        Shape (n,): number of the query that each belongs to.

    Returns
    -------
    tuple of float
        Mean squared error of the chances, and of always saying the share of right ones; empty
        where one half cannot be fitted.
    """
    first = owner % 2 == 0
    curve = fit_curve(scores[first], is_right[first])
    if curve is None or not (~first).any():
        return ()
    said = 1 / (1 + np.exp(-(curve.slope * scores[~first] + curve.intercept)))
    right = is_right[~first].astype(np.float64)
    share = float(is_right[first].mean())
    return float(((said - right) ** 2).mean()), float(((share - right) ** 2).mean())


def choose_threshold(here: Float64Array, out_of_set: Float64Array) -> Threshold | None:
    """Choose the score that best separates queries whose dish is here from strangers.

    Parameters
    ----------
    here, out_of_set
        Shapes (n,) and (m,): best scores.

    Returns
    -------
    Threshold or None
        Chosen on every other query and measured on the rest; None with fewer than four of each.
    """
    if min(len(here), len(out_of_set)) < 4:
        return None
    chosen = _best_cut(here[::2], out_of_set[::2])
    ranks = np.searchsorted(np.sort(out_of_set), here, side="left")
    ties = np.searchsorted(np.sort(out_of_set), here, side="right") - ranks
    return Threshold(
        score=chosen,
        kept=float((here[1::2] >= chosen).mean()),
        stopped=float((out_of_set[1::2] < chosen).mean()),
        auroc=float((ranks + ties / 2).mean() / len(out_of_set)),
    )


def _best_cut(here: Float64Array, out_of_set: Float64Array) -> float:
    """Return the midpoint between two scores where most of both sides is right."""
    scores = np.unique(np.concatenate([here, out_of_set]))
    kept = 1 - np.searchsorted(np.sort(here), scores, side="left") / len(here)
    stopped = np.searchsorted(np.sort(out_of_set), scores, side="left") / len(out_of_set)
    best = int(np.argmax(kept + stopped))
    return float(scores[best] if best == 0 else (scores[best - 1] + scores[best]) / 2)
