"""Every figure of a synthetic experiment as one tidy table: a row a method, rule, K and cell.

A cell is what queries show, what references show, and a scope (the first 30, 51 or 100 classes,
which limits queries and candidates alike). Known and unknown classes stand apart beside the
blend, over the same candidates. All methods see the same drawn references; each figure is the mean
of the draws, with their standard deviation.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mmpipeline.arrays import Int64Array
from mmpipeline.config.talk import SyntheticEvaluationConfig
from mmpipeline.evaluation.metrics.prototypes import rank_classes, summarize_draws
from mmpipeline.talk.data.bayes import bayes_scores
from mmpipeline.talk.data.subsets import Subset, all_subsets, subset_name
from mmpipeline.talk.measure.out_of_set import open_set_figures
from mmpipeline.talk.measure.suite import Method, SyntheticSuite

BAYES = "bayes bound"
CHANCE = "chance"


@dataclass(frozen=True, slots=True)
class Cell:
    """One question: K references, and what queries and references show.

    Attributes
    ----------
    references
        K.
    query, reference
        Subsets of modalities.
    """

    references: int
    query: Subset
    reference: Subset


def evaluate_methods(
    suite: SyntheticSuite, methods: Sequence[Method], config: SyntheticEvaluationConfig
) -> pd.DataFrame:
    """Measure methods on all cells, beside the Bayes bound and chance.

    Parameters
    ----------
    suite
        The data.
    methods
        Learned ones and baselines.
    config
        K, draws, seed, and whether the whole matrix of subsets is wanted.

    Returns
    -------
    pandas.DataFrame
        Columns ``method, rule, k, query, reference, scope, draws, replaced``, then the fields of
        `PrototypeFigures` as shares (0 to 1). ``k`` is 0 where no references are drawn.
    """
    rows = list(_bound_rows(suite))
    for cell in plan_cells(suite.full_subset, config):
        for method in methods:
            rows.extend(_measure(suite, method, cell, config))
    return pd.DataFrame(rows)


def plan_cells(full: Subset, config: SyntheticEvaluationConfig) -> list[Cell]:
    """List the cells: the talk's table, its sweep of K, and the matrix of subsets.

    Parameters
    ----------
    full
        All modalities.
    config
        What is wanted.

    Returns
    -------
    list of Cell
        Each once.
    """
    subsets = all_subsets(len(full))
    cells = [Cell(config.references, subset, subset) for subset in subsets]
    cells += [Cell(k, full, full) for k in config.reference_sweep if k != config.references]
    if config.matrix:
        cells += [Cell(config.references, q, r) for q in subsets for r in subsets if q != r]
    return cells


def measure_open_set(
    suite: SyntheticSuite, methods: Sequence[Method], config: SyntheticEvaluationConfig
) -> pd.DataFrame:
    """Enrol the first classes only, and see whether queries of the others are noticed.

    Parameters
    ----------
    suite
        The data.
    methods
        Methods to measure, all modalities shown.
    config
        K, draws and seed.

    Returns
    -------
    pandas.DataFrame
        Columns ``method, rule, k, enrolled`` (number of classes: each scope but the widest),
        ``out_of_set`` (classes), ``auroc, fpr95, oscr`` (means of the draws) and ``auroc_spread``.
    """
    classes, label = suite.data.config.classes, suite.query_label
    full, found = suite.full_subset, defaultdict(list)
    for draw in range(config.draws):
        rows, _ = suite.draw(config.references, config.seed + draw)
        for method in methods:
            for rule, scores in method.scores(rows, full, full):
                for scope in suite.data.config.scopes:
                    if scope < classes:
                        figures = _judge_strangers(scores[:, :scope], label, scope)
                        found[method.name, rule, scope].append(figures)
    return pd.DataFrame([
        {"method": name, "rule": rule, "k": config.references, "enrolled": scope}
        | {"strangers": classes - scope}
        | dict(zip(("auroc", "fpr95", "oscr"), np.mean(figures, axis=0).tolist(), strict=True))
        | {"auroc_spread": float(np.std(figures, axis=0)[0])}
        for (name, rule, scope), figures in found.items()
    ])


def _judge_strangers(scores: Tensor, label: Int64Array, scope: int) -> tuple[float, float, float]:
    best = scores.amax(dim=1).double().numpy()
    inside = label < scope
    is_right = rank_classes(scores[inside], label[inside]) <= 1
    figures = open_set_figures(best[inside], is_right, best[~inside])
    return figures.auroc, figures.fpr95, figures.oscr


def _measure(
    suite: SyntheticSuite, method: Method, cell: Cell, config: SyntheticEvaluationConfig
) -> Iterator[dict[str, object]]:
    ranks: dict[tuple[str, int], list[Int64Array]] = defaultdict(list)
    replaced = False
    for draw in range(config.draws):
        rows, replaced = suite.draw(cell.references, config.seed + draw)
        for rule, scores in method.scores(rows, cell.query, cell.reference):
            for scope, found in _rank_scopes(suite, scores).items():
                ranks[rule, scope].append(found)
    for (rule, scope), draws in ranks.items():
        yield _row(suite, (method.name, rule), cell, scope, draws) | {"replaced": replaced}


def _bound_rows(suite: SyntheticSuite) -> Iterable[dict[str, object]]:
    for subset in all_subsets(len(suite.pool)):
        scores = bayes_scores(suite.data.parameters, suite.data.test, subset)
        cell = Cell(0, subset, subset)
        for scope, ranks in _rank_scopes(suite, torch.from_numpy(scores)).items():
            yield _row(suite, (BAYES, "density"), cell, scope, [ranks]) | {"replaced": False}
            yield _chance_row(suite, cell, scope)


def _rank_scopes(suite: SyntheticSuite, scores: Tensor) -> dict[int, Int64Array]:
    per_class, label = suite.data.config.test_per_class, suite.query_label
    return {
        scope: rank_classes(scores[: scope * per_class, :scope], label[: scope * per_class])
        for scope in suite.data.config.scopes
    }


def _row(
    suite: SyntheticSuite,
    who: tuple[str, str],
    cell: Cell,
    scope: int,
    draws: Sequence[Int64Array],
) -> dict[str, object]:
    figures = summarize_draws(draws, suite.is_known[: len(draws[0])])
    return _place(who, cell, scope, len(draws)) | asdict(figures)


def _chance_row(suite: SyntheticSuite, cell: Cell, scope: int) -> dict[str, object]:
    first, five = 1 / scope, min(1.0, 5 / scope)
    unknown = scope > suite.data.config.known_classes
    figures = {
        "top1": first,
        "top5": five,
        "known_top1": first,
        "known_top5": five,
        "unknown_top1": first if unknown else float("nan"),
        "unknown_top5": five if unknown else float("nan"),
        "harmonic_mean": first if unknown else float("nan"),
        "spread": 0.0,
        "replaced": False,
    }
    return _place((CHANCE, "random"), cell, scope, 0) | figures


def _place(who: tuple[str, str], cell: Cell, scope: int, draws: int) -> dict[str, object]:
    return {
        "method": who[0],
        "rule": who[1],
        "k": cell.references,
        "query": subset_name(cell.query),
        "reference": subset_name(cell.reference),
        "scope": scope,
        "draws": draws,
    }
