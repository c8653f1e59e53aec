"""The seed experiment as one page: the talk's table cell by cell, with ours, baselines and bound.

The page is made of tidy tables alone (a row a draw of the data, method, rule, K and cell), so it
can be made again without training. Figures are means over the draws of the data with their standard
deviation; the talk's own are printed beside them as another generator's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mmpipeline.storage.atomic import write_text_atomic
from mmpipeline.talk.measure.raw_gaussian import BestRawGaussian
from mmpipeline.talk.measure.table import BAYES, CHANCE
from mmpipeline.talk.report.demands import check_demands
from mmpipeline.talk.report.figures import draw_figures
from mmpipeline.talk.report.ladder import write_ladder
from mmpipeline.talk.report.published import published_figures

OURS = "ours"
KEYS = ["method", "rule", "k", "query", "reference", "scope"]
SUBSETS = ("0", "1", "2", "0, 1", "0, 2", "1, 2", "0, 1, 2")
FULL = SUBSETS[-1]
SCOPE_WORDS = {30: "Known (0-29)", 51: "Known & Unknown (0-50)", 100: "All (0-99)"}
CELL_FIGURES = ["top1", "top5", "known_top1", "unknown_top1", "harmonic_mean"]
OPEN_SET_KEYS = ["method", "rule", "enrolled", "strangers"]
OPEN_SET_FIGURES = ["auroc", "fpr95", "oscr"]
CELLS_NAME, OPEN_SET_NAME = "seed-experiment-cells.csv", "seed-experiment-open-set.csv"
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


@dataclass(frozen=True, slots=True)
class SeedTables:
    """What a report is made of.

    Attributes
    ----------
    cells
        From `evaluate_methods`, with the column ``data_seed``.
    open_set
        From `measure_open_set`, with the column ``data_seed``.
    maps
        Columns ``method, scope, x, y, label, is_known``: points of t-SNE maps; may be empty.
    reproduction
        As `cells`, the talk's methods on talk-like data; may be empty.
    reproduction_note
        What those data are.
    notes
        Lines of Markdown that say what was trained and chosen, and how.
    ladder
        As `cells`, the steps from the talk's nets to ours; may be empty.
    changes
        By step, in order, what it changes.
    """

    cells: pd.DataFrame
    open_set: pd.DataFrame
    maps: pd.DataFrame
    reproduction: pd.DataFrame
    reproduction_note: str
    notes: Sequence[str]
    ladder: pd.DataFrame = field(default_factory=pd.DataFrame)
    changes: Mapping[str, str] = field(default_factory=dict)


def write_seed_report(tables: SeedTables, target: Path) -> dict[str, float]:
    """Write ``seed-experiment.md``, its figures and its tables into a folder.

    Parameters
    ----------
    tables
        All figures.
    target
        An existing folder.

    Returns
    -------
    dict
        ``draws`` of the data, ``cells``, ``demands`` and ``demands_held``.
    """
    cells = tables.cells
    demands = check_demands(cells, tables.reproduction)
    scopes = sorted(cells["scope"].unique())
    names = draw_figures(cells, tables.maps, target)
    sections = [
        "# The seed experiment",
        *_opening(cells),
        *tables.notes,
        "## What was asked, and what came out",
        _demand_table(demands),
        *write_ladder(tables.ladder, tables.changes),
        "## The talk's table, cell by cell",
        f"![Every cell of the talk's table]({names['cells']})",
        *[part for scope in scopes for part in _cell_tables(cells, scope)],
        *_reproduction(tables),
        "## Classes that training saw, and classes that it did not",
        "Top-1 with all classes of the scope as candidates, all modalities.",
        *[_split_table(cells, scope) for scope in scopes if scope > scopes[0]],
        "## How many references a prototype needs",
        f"![Top-1 by number of references]({names['sweep']})",
        *[_sweep_table(cells, scope) for scope in scopes],
        "## Any subset asks, any subset answers",
        "Rows: what queries show; columns: what the references of a prototype show.",
        f"![Top-1 of each query subset against each reference subset]({names['matrix']})",
        *[part for scope in (scopes[0], scopes[-1]) for part in _matrix_tables(cells, scope)],
        "## Strangers",
        "Only the first classes are enrolled; queries of the others should be turned away by their "
        "best score. AUROC: 0.5 is a guess.",
        _open_set_table(tables.open_set),
    ]
    if "map" in names:
        sections += ["## Maps of the queries", f"![t-SNE of the queries]({names['map']})"]
    write_text_atomic(target / "seed-experiment.md", "\n\n".join(sections) + "\n")
    _write_table(cells, KEYS, CELL_FIGURES, target / CELLS_NAME)
    _write_table(tables.open_set, OPEN_SET_KEYS, OPEN_SET_FIGURES, target / OPEN_SET_NAME)
    return {
        "draws": float(cells["data_seed"].nunique()),
        "cells": float(len(cells)),
        "demands": float(len(demands)),
        "demands_held": float(demands["holds"].sum()),
    }


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


def _opening(cells: pd.DataFrame) -> list[str]:
    seeds = ", ".join(str(seed) for seed in sorted(cells["data_seed"].unique()))
    draws = int(cells["draws"].max())
    return [
        f"Made by `make experiment`; its figures as tables: `{CELLS_NAME}`, `{OPEN_SET_NAME}`.",
        f"Draws of the data: seeds {seeds}. Every figure with references is the mean of {draws} "
        "draws of them; ± is the standard deviation over the draws of the data. The columns *talk* "
        "are those published in June 2021, of another draw of a generator whose ranges nobody "
        "knows: for orientation, not comparable cell by cell. Percent; a tie counts as wrong. A "
        "scope limits queries and candidates alike.",
    ]


def _demand_table(demands: pd.DataFrame) -> str:
    lines = ["| asked | came out | holds |", "|---|---|---|"]
    lines += [
        f"| {row.asked} | {row.found} | {'yes' if row.holds else '**no**'} |"
        for row in demands.itertuples()
    ]
    return "\n".join(lines)


def _cell_tables(cells: pd.DataFrame, scope: int) -> list[str]:
    parts = [f"### {SCOPE_WORDS.get(scope, f'{scope} classes')}"]
    for figure, words in (("top1", "Top-1"), ("top5", "Top-5")):
        parts += [f"{words}:", _cell_table(cells, scope, figure)]
    return parts


def _cell_table(cells: pd.DataFrame, scope: int, figure: str) -> str:
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


def _reproduction(tables: SeedTables) -> list[str]:
    cells = tables.reproduction
    if cells.empty:
        return []
    parts = ["## The talk's models on talk-like data", tables.reproduction_note]
    for scope in sorted(cells["scope"].unique()):
        words = f"{SCOPE_WORDS.get(scope, f'{scope} classes')}, top-1:"
        parts += [words, _cell_table(cells, scope, "top1")]
    return parts


def _talk_rows(cells: pd.DataFrame) -> list[tuple[str, int]]:
    """List modalities and K of the rows: those of the talk, as far as they were measured."""
    drawn = cells[cells["k"] > 0]
    same = drawn[drawn["query"] == drawn["reference"]]
    pairs = set(zip(same["query"], same["k"], strict=True))
    return [(query, k) for query in SUBSETS for k in sorted(k for q, k in pairs if q == query)]


def _split_table(cells: pd.DataFrame, scope: int) -> str:
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


def _sweep_table(cells: pd.DataFrame, scope: int) -> str:
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


def _matrix_tables(cells: pd.DataFrame, scope: int) -> list[str]:
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


def _open_set_table(open_set: pd.DataFrame) -> str:
    heads = ["method", "enrolled", "strangers", "AUROC", "FPR95", "OSCR"]
    lines = [_row(heads), _rule(len(heads))]
    groups = open_set.groupby(OPEN_SET_KEYS, sort=False)
    for (method, rule, enrolled, strangers), rows in groups:
        figures = [
            f"{rows[name].mean():.3f} ± {rows[name].std(ddof=0):.3f}" for name in OPEN_SET_FIGURES
        ]
        lines.append(
            _row([_heading(str(method), str(rule)), str(enrolled), str(strangers), *figures])
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


def _write_table(table: pd.DataFrame, keys: list[str], figures: list[str], path: Path) -> None:
    """Write means and spreads over the draws of the data."""
    groups = table.groupby(keys, sort=False)[figures]
    spread = groups.std(ddof=0).add_suffix("_spread")
    joined = pd.concat([groups.mean(), spread], axis=1).reset_index()
    content = joined.to_csv(index=False, float_format="%.5f", lineterminator="\n")
    write_text_atomic(path, content)


def _row(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _rule(columns: int) -> str:
    return "|" + "---|" * columns
