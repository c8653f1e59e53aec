"""Figures of the seed experiment: cells, sweep of K, matrix of subsets, t-SNE maps.

Every figure shows the learned methods beside raw values and the Bayes bound, in the same colours
throughout. They are made of the tables alone.
"""

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmpipeline.talk.measure.table import BAYES
from mmpipeline.talk.report.published import FULL, SUBSETS, TALK_K

STYLES: dict[tuple[str, str], dict[str, Any]] = {
    (BAYES, "density"): {"color": "#222222", "marker": "_", "label": "Bayes bound"},
    ("raw", "gaussian_diagonal"): {"color": "#b5651d", "marker": "D", "label": "raw, Gaussian"},
    ("raw", "mean_euclid"): {"color": "#e0a458", "marker": "s", "label": "raw, nearest mean"},
    ("COS", "mean_cosine"): {"color": "#8e6bbf", "marker": "^", "label": "COS, reproduced"},
    ("EUC", "mean_euclid"): {"color": "#bda7dd", "marker": "v", "label": "EUC, reproduced"},
}
MATRIX_COLUMNS = 3
OUR_COLOURS = ("#1f6f8b", "#37b3a6", "#0b3c49", "#6fa8dc", "#7bc67b", "#4a7a4a")
FONT: dict[Any, Any] = {"font.size": 10, "font.family": "DejaVu Sans"}


def draw_figures(cells: pd.DataFrame, maps: pd.DataFrame, target: Path) -> dict[str, str]:
    """Draw everything that the tables hold.

    Parameters
    ----------
    cells
        From `evaluate_methods`, with the column ``data_seed``.
    maps
        Columns ``method, scope, x, y, label, is_known``; may be empty.
    target
        An existing folder.

    Returns
    -------
    dict
        Names of the PNG files by ``cells``, ``sweep``, ``matrix`` and, with maps, ``map``.
    """
    styles = choose_styles(cells)
    figures = {
        "cells": _draw_cells(cells, styles),
        "sweep": _draw_sweep(cells, styles),
        "matrix": _draw_matrix(cells, styles),
    }
    if len(maps):
        figures["map"] = _draw_maps(maps)
    names = {}
    for name, figure in figures.items():
        names[name] = f"seed-experiment-{name}.png"
        figure.savefig(target / names[name], metadata={"Software": None})
    return names


def choose_styles(cells: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Give each measured method and rule a colour, a marker and a name.

    Parameters
    ----------
    cells
        All figures.

    Returns
    -------
    dict
        By method and rule; rules of other methods than `STYLES` names get blues and greens.
    """
    found = dict.fromkeys(zip(cells["method"], cells["rule"], strict=True))
    styles = {pair: STYLES[pair] for pair in STYLES if pair in found}
    ours = [pair for pair in found if pair[0] == "ours"]
    for place, (method, rule) in enumerate(ours):
        styles[method, rule] = {
            "color": OUR_COLOURS[place % len(OUR_COLOURS)],
            "marker": "oP*Xph"[place % 6],
            "label": f"{method}, {rule.replace('_', ' ')}",
        }
    return styles


def _same_subset(cells: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    chosen = cells[(cells["method"] == pair[0]) & (cells["rule"] == pair[1])]
    return chosen[chosen["query"] == chosen["reference"]]


def _draw_cells(cells: pd.DataFrame, styles: dict[tuple[str, str], dict[str, Any]]) -> Figure:
    scopes = sorted(cells["scope"].unique())
    figure = Figure(figsize=(11, 4.6), dpi=100, layout="constrained")
    with mpl.rc_context(FONT):
        panels = figure.subplots(1, len(scopes), sharey=True, squeeze=False)[0]
        for axes, scope in zip(panels, scopes, strict=True):
            for position, (pair, style) in enumerate(styles.items()):
                rows = _same_subset(cells, pair)
                largest = _table_k(rows)
                rows = rows[(rows["scope"] == scope) & (rows["k"] == largest)]
                means = rows.groupby("query")["top1"].mean().reindex(SUBSETS)
                shift = 0.0 if pair[0] == BAYES else 0.7 * (position / len(styles) - 0.5)
                size = 22 if pair[0] == BAYES else 6
                style = {**style, "linestyle": "none", "markersize": size}
                axes.plot(np.arange(len(SUBSETS)) + shift, 100 * means.to_numpy(), **style)
            axes.set_xticks(range(len(SUBSETS)), SUBSETS, rotation=30)
            axes.set_title(f"{scope} classes")
            axes.set_xlabel("modalities shown")
            axes.grid(axis="y", color="#dddddd")
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("top-1 (%)")
        panels[0].set_ylim(0, 102)
        _legend(figure, panels[0], 5)
    return figure


def _table_k(rows: pd.DataFrame) -> int:
    """Return K of the talk's table, or the only one that single modalities were measured at."""
    ks = rows.loc[rows["query"] == SUBSETS[0], "k"]
    return int(ks.max()) if len(ks) else TALK_K


def _draw_sweep(cells: pd.DataFrame, styles: dict[tuple[str, str], dict[str, Any]]) -> Figure:
    scopes = sorted(cells["scope"].unique())
    figure = Figure(figsize=(11, 4.2), dpi=100, layout="constrained")
    with mpl.rc_context(FONT):
        panels = figure.subplots(1, len(scopes), squeeze=False)[0]
        for axes, scope in zip(panels, scopes, strict=True):
            for pair, style in styles.items():
                rows = _same_subset(cells, pair)
                rows = rows[(rows["scope"] == scope) & (rows["query"] == FULL)]
                by_k = rows.groupby("k")["top1"].agg(["mean", lambda v: v.std(ddof=0)])
                if pair[0] == BAYES:
                    axes.axhline(100 * by_k["mean"].iloc[0], color=style["color"], lw=1, ls="--")
                    continue
                axes.errorbar(
                    by_k.index, 100 * by_k["mean"], yerr=100 * by_k.iloc[:, 1], capsize=2, **style
                )
            axes.set_xscale("log")
            sweep = sorted(k for k in cells["k"].unique() if k)
            axes.set_xticks(sweep, [str(k) for k in sweep])
            axes.minorticks_off()
            axes.set_title(f"{scope} classes (dashed: Bayes bound)")
            axes.set_xlabel("references a class, K")
            axes.grid(axis="y", color="#dddddd")
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("top-1, all modalities (%)")
        _legend(figure, panels[0], 4)
    return figure


def _draw_matrix(cells: pd.DataFrame, styles: dict[tuple[str, str], dict[str, Any]]) -> Figure:
    scope = int(cells["scope"].max())
    across = cells[cells["query"] != cells["reference"]]
    pairs = [
        pair
        for pair in styles
        if ((across["method"] == pair[0]) & (across["rule"] == pair[1])).any()
    ]
    columns = max(1, min(len(pairs), MATRIX_COLUMNS))
    lines = max(1, math.ceil(len(pairs) / columns))
    size = (1 + 4.0 * columns, 0.4 + 4.2 * lines)
    figure = Figure(figsize=size, dpi=90, layout="constrained")
    with mpl.rc_context({**FONT, "font.size": 9}):
        panels = figure.subplots(lines, columns, squeeze=False).flatten()
        for axes in panels[len(pairs) :]:
            axes.set_axis_off()
        for axes, pair in zip(panels, pairs, strict=False):
            rows = cells[(cells["method"] == pair[0]) & (cells["rule"] == pair[1])]
            rows = rows[(rows["scope"] == scope) & (rows["k"] == _table_k(rows))]
            table = rows.groupby(["query", "reference"])["top1"].mean().unstack()
            values = 100 * table.reindex(index=SUBSETS, columns=SUBSETS).to_numpy()
            axes.imshow(values, vmin=0, vmax=100, cmap="viridis")
            for (i, j), value in np.ndenumerate(values):
                colour = "white" if value < 60 else "black"
                words = "-" if math.isnan(value) else f"{value:.0f}"
                axes.text(j, i, words, ha="center", va="center", color=colour)
            axes.set_xticks(range(len(SUBSETS)), SUBSETS, rotation=45)
            axes.set_yticks(range(len(SUBSETS)), SUBSETS)
            axes.set_xlabel("references show")
            axes.set_title(str(styles[pair]["label"]))
        panels[0].set_ylabel("queries show")
        figure.suptitle(f"Top-1 (%), {scope} classes; a dash: nothing in common to compare\n")
    return figure


def _draw_maps(maps: pd.DataFrame) -> Figure:
    methods, scopes = list(dict.fromkeys(maps["method"])), sorted(maps["scope"].unique())
    size = (4.2 * len(methods), 4.2 * len(scopes))
    figure = Figure(figsize=size, dpi=75, layout="constrained")
    with mpl.rc_context(FONT):
        panels = figure.subplots(len(scopes), len(methods), squeeze=False)
        for row, scope in enumerate(scopes):
            for column, method in enumerate(methods):
                points = maps[(maps["method"] == method) & (maps["scope"] == scope)]
                _draw_points(panels[row, column], points)
                words = "All" if row == len(scopes) - 1 else "Known & Unknown"
                panels[row, column].set_title(f"{method}: {words} (0-{scope - 1})")
        figure.legend(
            *panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2
        )
    return figure


def _draw_points(axes: Axes, points: pd.DataFrame) -> None:
    for is_known, marker, words in (
        (True, "o", "known classes (trained)"),
        (False, "x", "unknown classes"),
    ):
        chosen = points[points["is_known"] == is_known]
        axes.scatter(
            chosen["x"],
            chosen["y"],
            c=chosen["label"] * 37 % 100,
            cmap="nipy_spectral",
            vmin=0,
            vmax=100,
            s=7,
            linewidths=0.8,
            marker=marker,
            label=words,
        )
    axes.set_xticks([])
    axes.set_yticks([])


def _legend(figure: Figure, axes: Axes, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
