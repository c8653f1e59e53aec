"""The tables of the page in Markdown: methods side by side, means over the draws of the data.

A scope limits queries and candidates alike; figures are percent, and "-" was not measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmpipeline.talk.measure.raw_gaussian import BestRawGaussian
from mmpipeline.talk.measure.table import BAYES, CHANCE
from mmpipeline.talk.report.published import FULL, SUBSETS, published_figures

OURS = "ours"
KEYS = ["method", "rule", "k", "query", "reference", "scope"]
SCOPE_WORDS = {30: "Known (0-29)", 51: "Known & Unknown (0-50)", 100: "All (0-99)"}
OPEN_SET_KEYS = ["method", "rule", "enrolled", "strangers"]
OPEN_SET_FIGURES = ["auroc", "fpr95", "oscr"]
NO_REFERENCES = (BAYES, CHANCE)
HEADINGS = {
    ("EUC", "mean_euclid"): "EUC",
    ("COS", "mean_cosine"): "COS",
    ("raw", "mean_euclid"): "raw nearest mean",
    ("raw", "gaussian_diagonal"): "raw Gaussian",
    (BestRawGaussian.name, "gaussian_diagonal"): "raw Gaussian, shrinkage of hindsight",
}
LEFT_OUT = {("COS", "mean_euclid")}
"""Measured, in the tables of figures, but not on the page: the talk compares cosines."""
Summary = dict[tuple[Any, ...], tuple[float, float, int]]


@dataclass(frozen=True, slots=True)
class Column:
    """A method with a rule, under the heading that tables give it."""

    heading: str
    method: str
    rule: str


def list_columns(cells: pd.DataFrame) -> list[Column]:
    """List what tables set side by side, as far as it was measured.

    Parameters
    ----------
    cells
        All figures.

    Returns
    -------
    list of Column
        The reproduction, ours by every rule, raw baselines, bound, chance.
    """
    found = list(dict.fromkeys(zip(cells["method"], cells["rule"], strict=True)))
    rank = {"EUC": 0, "COS": 1, OURS: 2, "raw": 4, BestRawGaussian.name: 5, BAYES: 6, CHANCE: 7}
    return [
        Column(_heading(method, rule), method, rule)
        for method, rule in sorted(found, key=lambda pair: rank.get(pair[0], 3))
        if (method, rule) not in LEFT_OUT
    ]


def summarise(cells: pd.DataFrame, figure: str) -> Summary:
    """Average a figure over the draws of the data.

    Parameters
    ----------
    cells
        All figures.
    figure
        A column, such as ``top1``.

    Returns
    -------
    dict
        By method, rule, k, query, reference and scope: mean, standard deviation and number of
        draws.
    """
    groups = cells.groupby(KEYS)[figure]
    table = pd.DataFrame({"mean": groups.mean(), "std": groups.std(ddof=0), "n": groups.size()})
    parts = (table[name].tolist() for name in ("mean", "std", "n"))
    return dict(zip(table.index.tolist(), zip(*parts, strict=True), strict=True))


def _heading(method: str, rule: str) -> str:
    if (method, rule) in HEADINGS:
        return HEADINGS[method, rule]
    return method if method in NO_REFERENCES else f"{method}, {rule.replace('_', ' ')}"


def demand_table(demands: pd.DataFrame) -> str:
    """Return what was asked and what came out, a row a demand."""
    lines = ["| asked | came out | holds |", "|---|---|---|"]
    lines += [
        f"| {row.asked} | {row.found} | {'yes' if row.holds else '**no**'} |"
        for row in demands.itertuples()
    ]
    return "\n".join(lines)


def cell_tables(cells: pd.DataFrame, scope: int) -> list[str]:
    """Return the talk's table for one scope, top-1 and top-5, under a heading."""
    parts = [f"### {SCOPE_WORDS.get(scope, f'{scope} classes')}"]
    for figure, words in (("top1", "Top-1"), ("top5", "Top-5")):
        parts += [f"{words}:", cell_table(cells, scope, figure)]
    return parts


def cell_table(cells: pd.DataFrame, scope: int, figure: str) -> str:
    """Return one figure of the talk's cells, the published ones first."""
    columns, means = list_columns(cells), summarise(cells, figure)
    talk = published_figures(figure)
    heads = ["modality", "K", "talk EUC", "talk COS", *(column.heading for column in columns)]
    lines = [_row(heads), _rule(len(heads))]
    for query, k in _talk_rows(cells):
        published = [talk.get((name, query, k, scope)) for name in ("EUC", "COS")]
        row = [query, str(k), *("-" if v is None else f"{100 * v:.1f}" for v in published)]
        row += [_figure(means, column, (k, query, query, scope)) for column in columns]
        lines.append(_row(row))
    return "\n".join(lines)


def _talk_rows(cells: pd.DataFrame) -> list[tuple[str, int]]:
    """List modalities and K of the rows: those of the talk, as far as they were measured."""
    drawn = cells[cells["k"] > 0]
    same = drawn[drawn["query"] == drawn["reference"]]
    pairs = set(zip(same["query"], same["k"], strict=True))
    return [(query, k) for query in SUBSETS for k in sorted(k for q, k in pairs if q == query)]


def split_table(cells: pd.DataFrame, scope: int) -> str:
    """Return top-1 of classes that training saw, and of those that it did not."""
    figures = ("top1", "known_top1", "unknown_top1", "harmonic_mean")
    heads = ["method", "K", "blend", "known", "unknown", "harmonic mean"]
    lines = [f"{SCOPE_WORDS.get(scope, f'{scope} classes')}:", "", _row(heads), _rule(len(heads))]
    tables = [summarise(cells, figure) for figure in figures]
    for column in list_columns(cells):
        for k in _references(cells, column):
            place = (k, FULL, FULL, scope)
            row = [_figure(table, column, place) for table in tables]
            lines.append(_row([column.heading, str(k or "-"), *row]))
    return "\n".join(lines)


def sweep_table(cells: pd.DataFrame, scope: int) -> str:
    """Return top-1 by the number of references."""
    means, sweep = summarise(cells, "top1"), _sweep(cells)
    heads = ["method", *(f"K = {k}" for k in sweep)]
    lines = [
        f"{SCOPE_WORDS.get(scope, f'{scope} classes')}, all modalities, top-1:",
        "",
        _row(heads),
        _rule(len(heads)),
    ]
    for column in list_columns(cells):
        row = [_figure(means, column, (k, FULL, FULL, scope)) for k in sweep]
        lines.append(_row([column.heading, *row]))
    return "\n".join(lines)


def matrix_tables(cells: pd.DataFrame, scope: int) -> list[str]:
    """Return top-1 of every query subset against every reference subset, a table a method."""
    means = summarise(cells, "top1")
    across = cells[cells["query"] != cells["reference"]]
    parts = [f"### {SCOPE_WORDS.get(scope, f'{scope} classes')}, top-1"]
    for column in list_columns(across):
        k = int(across["k"].max())
        lines = [f"{column.heading}, K = {k}:", "", _row(["query", *SUBSETS]), _rule(8)]
        for query in SUBSETS:
            row = [_figure(means, column, (k, query, ref, scope)) for ref in SUBSETS]
            lines.append(_row([query, *row]))
        parts.append("\n".join(lines))
    return parts


def open_set_table(open_set: pd.DataFrame) -> str:
    """Return how well strangers are turned away."""
    heads = ["method", "enrolled", "strangers", "AUROC", "FPR95", "OSCR"]
    lines = [_row(heads), _rule(len(heads))]
    groups = open_set.groupby(OPEN_SET_KEYS, sort=False)
    for (method, rule, enrolled, out_of_set), rows in groups:
        figures = [
            f"{rows[name].mean():.3f} ± {rows[name].std(ddof=0):.3f}" for name in OPEN_SET_FIGURES
        ]
        lines.append(
            _row([_heading(str(method), str(rule)), str(enrolled), str(out_of_set), *figures])
        )
    return "\n".join(lines)


def _references(cells: pd.DataFrame, column: Column) -> list[int]:
    chosen = cells[(cells["method"] == column.method) & (cells["rule"] == column.rule)]
    return sorted(int(k) for k in chosen[chosen["query"] == FULL]["k"].unique())


def _sweep(cells: pd.DataFrame) -> list[int]:
    return sorted(int(k) for k in cells["k"].unique() if k)


def _figure(means: Summary, column: Column, place: tuple[int, str, str, int]) -> str:
    k, *rest = place
    k = 0 if column.method in NO_REFERENCES else k
    key = (column.method, column.rule, k, *rest)
    mean, spread, draws = means.get(key, (float("nan"), 0.0, 0))
    if math.isnan(mean):
        return "-"
    has_spread = column.method != CHANCE and draws > 1
    return f"{100 * mean:.1f}" + (f" ± {100 * spread:.1f}" if has_spread else "")


def _row(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _rule(columns: int) -> str:
    return "|" + "---|" * columns
