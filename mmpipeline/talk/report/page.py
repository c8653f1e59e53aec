"""The seed experiment as one page: the talk's table cell by cell, with ours, baselines and bound.

The page is made of tidy tables alone (a row a draw of the data, method, rule, K and cell), so it
can be made again without training. Figures are means over the draws of the data with their standard
deviation; the talk's own are printed beside them as another generator's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mmpipeline.storage.atomic import write_text_atomic
from mmpipeline.talk.report.demands import check_demands
from mmpipeline.talk.report.figures import draw_figures
from mmpipeline.talk.report.ladder import write_ladder
from mmpipeline.talk.report.page_tables import (
    KEYS,
    OPEN_SET_FIGURES,
    OPEN_SET_KEYS,
    SCOPE_WORDS,
    cell_table,
    cell_tables,
    demand_table,
    matrix_tables,
    open_set_table,
    split_table,
    sweep_table,
)

CELL_FIGURES = ["top1", "top5", "known_top1", "unknown_top1", "harmonic_mean"]
CELLS_NAME, OPEN_SET_NAME = "seed-experiment-cells.csv", "seed-experiment-open-set.csv"


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


def write_talk_report(tables: SeedTables, target: Path) -> dict[str, float]:
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
        demand_table(demands),
        *write_ladder(tables.ladder, tables.changes),
        "## The talk's table, cell by cell",
        f"![Every cell of the talk's table]({names['cells']})",
        *[part for scope in scopes for part in cell_tables(cells, scope)],
        *_reproduction(tables),
        "## Classes that training saw, and classes that it did not",
        "Top-1 with all classes of the scope as candidates, all modalities.",
        *[split_table(cells, scope) for scope in scopes if scope > scopes[0]],
        "## How many references a prototype needs",
        f"![Top-1 by number of references]({names['sweep']})",
        *[sweep_table(cells, scope) for scope in scopes],
        "## Any subset asks, any subset answers",
        "Rows: what queries show; columns: what the references of a prototype show.",
        f"![Top-1 of each query subset against each reference subset]({names['matrix']})",
        *[part for scope in (scopes[0], scopes[-1]) for part in matrix_tables(cells, scope)],
        "## Strangers",
        "Only the first classes are enrolled; queries of the others should be turned away by their "
        "best score. AUROC: 0.5 is a guess.",
        open_set_table(tables.open_set),
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


def _reproduction(tables: SeedTables) -> list[str]:
    cells = tables.reproduction
    if cells.empty:
        return []
    parts = ["## The talk's models on talk-like data", tables.reproduction_note]
    for scope in sorted(cells["scope"].unique()):
        words = f"{SCOPE_WORDS.get(scope, f'{scope} classes')}, top-1:"
        parts += [words, cell_table(cells, scope, "top1")]
    return parts


def _write_table(table: pd.DataFrame, keys: list[str], figures: list[str], path: Path) -> None:
    """Write means and spreads over the draws of the data."""
    groups = table.groupby(keys, sort=False)[figures]
    spread = groups.std(ddof=0).add_suffix("_spread")
    joined = pd.concat([groups.mean(), spread], axis=1).reset_index()
    content = joined.to_csv(index=False, float_format="%.5f", lineterminator="\n")
    write_text_atomic(path, content)
