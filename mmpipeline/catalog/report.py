"""The quality report: a page of tables and plots in the artifact's folder, and bounds that fail.

The page is Markdown, so that the same text shows in an editor and beside a Prefect run. Plots are
drawn from the figures in `quality.json` alone; nothing is computed twice.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmpipeline.catalog.compare import CatalogChanges, describe_changes
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.errors import StageError

_LABEL_LETTERS = 40
_INK, _PAPER, _COLOURS = "#3b3b3b", "white", ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3")
_FEWEST_RECIPES = 100  # shares of fewer say nothing
_SHOWN_DISHES, _SHOWN_REASONS = 20, 15

Quality = Mapping[str, Any]


def check_bounds(quality: Quality, config: CatalogConfig) -> None:
    """Refuse a catalogue that is worse than the config allows; one of a few recipes never is.

    Parameters
    ----------
    quality
        What `measure_quality` returned.
    config
        The bounds.

    Raises
    ------
    StageError
        Naming the figure and the bound.
    """
    recipes = quality["recipes"]
    if recipes < _FEWEST_RECIPES:
        return
    by = quality["recipes_by"]
    titles = sum(missing["title"] for missing in quality["missing"].values())
    labelled = recipes - by["dish_set"].get("none", 0)
    at_most = {
        "max_untitled_fraction": titles / recipes,
        "max_duplicate_fraction": quality["copies"]["recipes"] / recipes,
        "max_excluded_fraction": by["split"].get("excluded", 0) / recipes,
    }
    broken = [
        f"{share:.1%} is over catalog.{name} = {getattr(config, name):.1%}"
        for name, share in at_most.items()
        if share > getattr(config, name)
    ]
    if labelled / recipes < config.min_labelled_fraction:
        bound = f"catalog.min_labelled_fraction = {config.min_labelled_fraction:.1%}"
        broken.append(f"{labelled / recipes:.1%} is under {bound}")
    if broken:
        raise StageError(
            f"the catalogue of {recipes:,} recipes is not good enough: {'; '.join(broken)}; look "
            "at the sources, or change the bound"
        )


def write_report(target: Path, quality: Quality, changes: CatalogChanges | None) -> None:
    """Write `quality.md` and its plots.

    Parameters
    ----------
    target
        The artifact's folder.
    quality
        What `measure_quality` returned.
    changes
        What changed since the version before; None when there is none.
    """
    _draw_counts(target / "quality-recipes.png", quality)
    _draw_dishes(target / "quality-dishes.png", quality)
    _draw_lengths(target / "quality-lengths.png", quality)
    (target / "quality.md").write_text(render_page(quality, changes), encoding="utf-8")


def render_page(quality: Quality, changes: CatalogChanges | None) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    quality, changes
        As for `write_report`.

    Returns
    -------
    str
        The page.
    """
    by = quality["recipes_by"]
    copies = quality["copies"]
    quarantine = pd.DataFrame(quality["quarantine"], columns=["source", "reason", "rows"])
    quarantine = quarantine.sort_values(["rows", "reason"], ascending=[False, True])
    frequent = pd.DataFrame(quality["frequent_dishes"], columns=["dish", "recipes"])
    changed = "\n".join(describe_changes(changes)) if changes else "There is no version before."
    copied = f"{copies['recipes']:,} recipes are copies of others, in {copies['groups']:,} groups"
    parts = [
        f"# Catalogue: {quality['recipes']:,} recipes",
        "## By source and split",
        _table(_pivot(by["source_and_split"])),
        "## By source and language",
        _table(_pivot(by["source_and_language"])),
        "![recipes by source, language and split](quality-recipes.png)",
        "## Missing",
        _table(pd.DataFrame(quality["missing"]).T.rename_axis("source").reset_index()),
        "## Lengths",
        _table(pd.DataFrame(quality["lengths"])),
        "![lengths](quality-lengths.png)",
        "## Duplicates",
        f"{copied}; the largest has {copies['largest_group']:,}.",
        f"{quality.get('excluded', 0):,} recipes are excluded: copies of recipes of different "
        "sides of the split, they take no part in pairs, training, evaluation or golden queries.",
        "## Dishes",
        _table(_column(by["dish_source"], "label from")),
        _table(_column(quality["dishes_by_set"], "dishes")),
        "![the commonest dishes](quality-dishes.png)",
        _table(frequent.head(_SHOWN_DISHES)),
        "## Quarantine",
        _table(quarantine.head(_SHOWN_REASONS)),
        "## Since the version before",
        f"```\n{changed}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _pivot(counts: Mapping[str, int]) -> pd.DataFrame:
    """Turn counts by "source thing" into a table of sources by things."""
    frame = pd.DataFrame(
        [(*name.split(" ", 1), count) for name, count in counts.items()],
        columns=["source", "thing", "recipes"],
    )
    table = frame.pivot_table(
        index="source", columns="thing", values="recipes", fill_value=0, aggfunc="sum"
    )
    return table.reset_index().rename_axis(columns=None)


def _column(counts: Mapping[str, int], name: str) -> pd.DataFrame:
    return pd.DataFrame({name: list(counts), "count": list(counts.values())})


def _table(frame: pd.DataFrame) -> str:
    def cell(value: object) -> str:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return f"{value:,.6g}" if is_number else str(value)

    rows = [list(frame.columns), ["---"] * frame.shape[1], *frame.to_numpy(dtype=object).tolist()]
    return "\n".join("| " + " | ".join(map(cell, row)) + " |" for row in rows)


def _draw_counts(path: Path, quality: Quality) -> None:
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    names = ("source", "language", "split")
    for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
        _draw_bars(axes, quality["recipes_by"][name])
        axes.set_title(f"recipes by {name}", color=_INK)
    _save(figure, path)


def _draw_dishes(path: Path, quality: Quality) -> None:
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    shown = quality["frequent_dishes"][:_SHOWN_DISHES][::-1]
    # Names of Korean dishes need a font that is not everywhere: keys in Latin letters are drawn.
    labels = [_latin(row["dish"], len(shown) - position) for position, row in enumerate(shown)]
    places = range(len(shown))  # labels may be equal, and hold what matplotlib takes for formulas
    axes.barh(places, [row["recipes"] for row in shown], color=_COLOURS[0])
    axes.set_yticks(places, labels, parse_math=False)
    axes.set_title("the commonest dishes", color=_INK)
    axes.set_xlabel("recipes")
    _tidy(axes)
    _save(figure, path)


def _draw_lengths(path: Path, quality: Quality) -> None:
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    frame = pd.DataFrame(quality["lengths"])
    fields = list(dict.fromkeys(frame["field"]))
    for axes, name in zip(figure.subplots(1, len(fields)), fields, strict=True):
        rows = frame[frame["field"] == name]
        for colour, (_, row) in zip(_COLOURS, rows.iterrows(), strict=False):
            levels = [row[column] for column in ("p5", "median", "p95")]
            axes.plot([5, 50, 95], levels, marker="o", color=colour, label=str(row["source"]))
        axes.set_title(f"{name}", color=_INK)
        axes.set_xlabel("percentile")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
        _tidy(axes)
    _save(figure, path)


def _draw_bars(axes: Axes, counts: Mapping[str, int]) -> None:
    bars = axes.bar(list(counts), list(counts.values()), color=_COLOURS[0])
    axes.bar_label(bars, labels=[f"{count:,}" for count in counts.values()], color=_INK)
    axes.margins(y=0.15)
    _tidy(axes)


def _latin(dish: str, rank: int) -> str:
    name = dish.removeprefix("en:")
    if not name.isascii():
        return f"(Korean name, rank {rank})"
    return name if len(name) <= _LABEL_LETTERS else f"{name[: _LABEL_LETTERS - 3].rstrip()}..."


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=100, facecolor=_PAPER, metadata={"Software": None})
