"""Strangers: queries of classes that nobody enrolled, which should be turned away.

Everything is read off one number a query, its best score over the enrolled classes: enrolled
queries should have more of it than strangers. Ties count one half in the AUROC and against us
elsewhere.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from mmpipeline.arrays import BoolArray, Float64Array


@dataclass(frozen=True, slots=True)
class OpenSetFigures:
    """How well strangers are told from enrolled queries.

    Attributes
    ----------
    auroc
        Chance that an enrolled query scores above a stranger; 0.5 is a guess.
    fpr95
        Share of strangers that pass the highest threshold which lets 95 % of the enrolled pass.
    oscr
        Area under (enrolled queries that pass and are named right) against (strangers that pass);
        its ceiling is the closed-set top-1.
    """

    auroc: float
    fpr95: float
    oscr: float


def open_set_figures(
    enrolled: Float64Array, is_right: BoolArray, out_of_set: Float64Array
) -> OpenSetFigures:
    """Measure acceptance by the best score.

    Parameters
    ----------
    enrolled
        Shape (Q,): best score of each query of an enrolled class; minus infinity is allowed.
    is_right
        Shape (Q,): the best class is the right one.
    out_of_set
        Shape (S,): best score of each query of another class.

    Returns
    -------
    OpenSetFigures
        AUROC, FPR95 and OSCR.

    Raises
    ------
    ValueError
        If either kind of query is missing, or a score is not a number.

    References
    ----------
    Dhamija et al. 2018, Reducing Network Agnostophobia, section 3 (OSCR).
    """
    if not len(enrolled) or not len(out_of_set):
        raise ValueError("enrolled queries and strangers are both needed; one kind is missing")
    scores = np.concatenate([enrolled, out_of_set])
    if np.isnan(scores).any():
        raise ValueError("a score is not a number; the model is broken: train it again")
    levels = np.unique(scores, return_inverse=True)[1]  # ranks: infinities allowed, ties kept
    own, other = levels[: len(enrolled)], levels[len(enrolled) :]
    is_enrolled = np.arange(len(levels)) < len(enrolled)
    threshold = np.sort(own)[::-1][int(np.ceil(0.95 * len(own))) - 1]
    return OpenSetFigures(
        auroc=float(roc_auc_score(is_enrolled, levels)),
        fpr95=float((other >= threshold).mean()),
        oscr=_area(own[is_right], other, len(own)),
    )


def _area(right: np.ndarray, out_of_set: np.ndarray, enrolled: int) -> float:
    """Mean over strangers of the share of enrolled queries, named right, strictly above them."""
    below = len(right) - np.searchsorted(np.sort(right), out_of_set, side="right")
    return float((below / enrolled).mean())
