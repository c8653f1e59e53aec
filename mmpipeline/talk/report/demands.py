"""Demands on the experiment, each with its measured figure, held or not.

Differences are taken draw of the data by draw, so that a hard draw is hard for both sides. "At
least" means: not below by more than twice the standard error of the mean difference over draws.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product

import numpy as np
import pandas as pd

from mmpipeline.arrays import Float64Array
from mmpipeline.talk.measure.table import BAYES
from mmpipeline.talk.report.published import FULL, SINGLES, SUBSETS, TALK_K, published_figures

OURS, COS, RAW = "ours", "COS", "raw"
MEAN, COSINE, GAUSSIAN = "mean_euclid", "mean_cosine", "gaussian_diagonal"
COLUMNS = ["asked", "found", "holds"]
Demand = tuple[str, str, bool]


def check_demands(cells: pd.DataFrame, reproduction: pd.DataFrame) -> pd.DataFrame:
    """Check every demand that the figures allow to check.

    Parameters
    ----------
    cells
        From `evaluate_methods`, with the column ``data_seed``.
    reproduction
        The same of the talk's methods on talk-like data; may be empty.

    Returns
    -------
    pandas.DataFrame
        Columns ``asked``, ``found`` (both words) and ``holds`` (bool); a demand whose figures are
        missing (another K, no method of ours) is left out.
    """
    checks: list[Callable[[Figures], Iterator[Demand]]] = [
        lambda figures: _reproduction(figures, "this report's data"),
        _every_cell,
        _above_the_talk,
        _share_of_bound,
        _against_gaussian,
        _across_subsets,
    ]
    figures = Figures(cells)
    rows: list[Demand] = []
    for check in checks:
        with suppress(KeyError):
            rows += check(figures)
    if len(reproduction):
        with suppress(KeyError):
            rows += _reproduction(Figures(reproduction), "talk-like data")
    return pd.DataFrame(rows, columns=COLUMNS)


class Figures:
    """Top-1 by method, rule and cell, a value a draw of the data.

    Parameters
    ----------
    cells
        From `evaluate_methods`, with the column ``data_seed``.
    """

    def __init__(self, cells: pd.DataFrame) -> None:
        keys = ["method", "rule", "k", "query", "reference", "scope"]
        table = cells.pivot_table(index=keys, columns="data_seed", values="top1")
        self._values: dict[tuple[object, ...], Float64Array] = dict(
            zip(table.index.tolist(), table.to_numpy(np.float64), strict=True)
        )
        self.scopes = sorted(int(scope) for scope in cells["scope"].unique())
        ours = cells.loc[cells["method"] == OURS, "rule"]
        self._rules = [str(rule) for rule in dict.fromkeys(ours)]

    @property
    def our_rules(self) -> list[str]:
        """The rules that ours was measured by.

        Raises
        ------
        KeyError
            If by none.
        """
        if not self._rules:
            raise KeyError(OURS)
        return self._rules

    @property
    def our_mean_rule(self) -> str:
        """The rule of ours that takes the mean of the references.

        By cosine where it was measured, as the talk's COS and as the loss compares: a full
        reference is longer than what one modality of it says, which Euclid distances count.

        Raises
        ------
        KeyError
            If none was measured.
        """
        rules = [rule for rule in self.our_rules if rule.startswith("mean")]
        if not rules:
            raise KeyError("ours by the mean rule")
        return COSINE if COSINE in rules else rules[0]

    @property
    def judged_rules(self) -> list[str]:
        """The mean rule of ours, as demanded, then its other rules."""
        mean = self.our_mean_rule
        return [mean, *(rule for rule in self.our_rules if rule != mean)]

    def top1(
        self, method: str, rule: str, scope: int, k: int = TALK_K, query: str = FULL
    ) -> Float64Array:
        """Return top-1 with the same subset on both sides, shape (draws,).

        Raises
        ------
        KeyError
            If it was not measured.
        """
        return self.across(method, rule, scope, (k, query, query))

    def across(
        self, method: str, rule: str, scope: int, place: tuple[int, str, str]
    ) -> Float64Array:
        """Return top-1 at K, query and reference subset, shape (draws,).

        Raises
        ------
        KeyError
            If it was not measured.
        """
        return self._values[method, rule, *place, scope]


def _reproduction(figures: Figures, data: str) -> Iterator[Demand]:
    talk = published_figures("top1")
    scope = figures.scopes[0]
    gaps = [
        abs(
            float(figures.top1(COS, "mean_cosine", scope, query=query).mean())
            - talk[COS, query, TALK_K, scope]
        )
        for query in SUBSETS
    ]
    mean = 100 * float(np.mean(gaps))
    yield (
        "COS reproduced: mean absolute difference to the talk's COS on known classes over the 7 "
        f"subsets at most 3 points, on {data}",
        f"{mean:.1f} points",
        mean <= 3,
    )


def _every_cell(figures: Figures) -> Iterator[Demand]:
    others = ((RAW, MEAN, "raw nearest mean"), (COS, "mean_cosine", "COS"))
    for rule, (other, other_rule, words) in product(figures.judged_rules, others):
        held, above, worst = 0, 0, np.inf
        for scope in figures.scopes:
            for query in SUBSETS:
                gap = figures.top1(OURS, rule, scope, query=query) - figures.top1(
                    other, other_rule, scope, query=query
                )
                held += is_at_least(gap)
                above += int(gap.mean() > 0)
                worst = min(worst, float(gap.mean()))
        count = len(figures.scopes) * len(SUBSETS)
        yield (
            f"ours (one model, {_words(rule)}, K = 200) at least {words} in every cell",
            f"{held} of {count} within noise, {above} above; worst {100 * worst:+.1f} points",
            held == count,
        )


def _above_the_talk(figures: Figures) -> Iterator[Demand]:
    talk = published_figures("top1")
    ours = [float(figures.top1(OURS, figures.our_mean_rule, s).mean()) for s in figures.scopes]
    published = [talk[COS, FULL, TALK_K, scope] for scope in figures.scopes]
    yield (
        "all modalities, K = 200: above the talk's "
        f"{_join(published)} (another generator's figures)",
        _join(ours),
        all(mine > theirs for mine, theirs in zip(ours, published, strict=True)),
    )


def _share_of_bound(figures: Figures) -> Iterator[Demand]:
    scope = figures.scopes[-1]
    bound = figures.across(BAYES, "density", scope, (0, FULL, FULL))
    shares = {rule: figures.top1(OURS, rule, scope) / bound for rule in figures.our_rules}
    best = max(shares, key=lambda rule: float(shares[rule].mean()))
    yield (
        "all modalities, all classes, K = 200: at least 0.93 of the Bayes bound by the best rule",
        f"{shares[best].mean():.3f} ± {shares[best].std():.3f} by {best.replace('_', ' ')}",
        bool(shares[best].mean() >= 0.93),
    )


def _against_gaussian(figures: Figures) -> Iterator[Demand]:
    scope = figures.scopes[-1]
    for k, slack in ((5, 0.0), (20, 3.0), (200, 3.0)):
        raw = figures.top1(RAW, GAUSSIAN, scope, k)
        gaps: dict[str, float] = {}
        for rule in figures.our_rules:
            try:
                gaps[rule] = 100 * float((figures.top1(OURS, rule, scope, k) - raw).mean())
            except KeyError:
                continue
        if not gaps:
            raise KeyError("ours")
        best = max(gaps, key=lambda rule: gaps[rule])
        wanted = f"within {slack:.0f} points of" if slack else "better than"
        yield (
            f"all classes, K = {k}: {wanted} the raw diagonal Gaussian "
            f"({100 * raw.mean():.1f}, shrinkage chosen for K)",
            f"{gaps[best]:+.1f} points by {best.replace('_', ' ')}",
            gaps[best] >= -slack if slack else gaps[best] > 0,
        )


def _across_subsets(figures: Figures) -> Iterator[Demand]:
    bars = ((figures.scopes[0], 0.95), (figures.scopes[-1], 0.85))
    for rule, (scope, least) in product(figures.judged_rules, bars):
        shares = []
        for query in SINGLES:
            mixed = figures.across(OURS, rule, scope, (TALK_K, query, FULL))
            shares.append(float((mixed / figures.top1(OURS, rule, scope, query=query)).mean()))
        yield (
            "one modality asks, full references answer: at least "
            f"{least} of its same-subset figure at {scope} classes ({_words(rule)})",
            ", ".join(f"{share:.2f}" for share in shares),
            min(shares) >= least,
        )


def is_at_least(differences: Float64Array) -> bool:
    """Judge whether paired differences are not below zero by more than noise.

    Parameters
    ----------
    differences
        Shape (draws,), one side minus the other.

    Returns
    -------
    bool
        The mean is at least minus twice its standard error; of a single draw, at least 0.
    """
    count = len(differences)
    error = float(differences.std(ddof=1)) / np.sqrt(count) if count > 1 else 0.0
    return bool(differences.mean() >= -2 * error)


def _words(rule: str) -> str:
    name, _, distance = rule.partition("_")
    return f"mean prototype, {distance}" if name == "mean" else rule.replace("_", " ")


def _join(shares: list[float]) -> str:
    return " / ".join(f"{100 * share:.1f}" for share in shares)
