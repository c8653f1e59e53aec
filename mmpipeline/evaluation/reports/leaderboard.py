"""The leaderboard of a grid: chosen on validation, each figure beside its baseline and chance.

A setting (all but the seed) is ranked by the mean of `val_score` over its seeds; of the best
setting the seed with the highest is chosen. It is the score by which training keeps its weights
(`training.pairs.validation`), so one criterion decides everywhere; raw features and chance have it
too.

Figures on test recipes and on the frozen set are shown for the chosen cell alone: whoever picks the
best of many by their test figures reports luck.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

CSV_NAME, JSON_NAME, PAGE_NAME = "leaderboard.csv", "leaderboard.json", "leaderboard.html"
SCORE = "val_score"
SHOWN = ("dish_full_recall_at_1", "dish_image_recall_at_1", "dish_title_recall_at_1")
PROTOTYPES = ("prototype_full_known_top1", "prototype_full_unknown_top1")
SOURCES = {"val": "validation", "test": "test", "frozen": "frozen set"}
SUFFIXES = ("", "_low", "_high", "_raw", "_chance")
_STYLE = (
    "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse;font-size:14px}"
    "td,th{padding:.35em .7em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}"
    "th{background:#f4f4f4;position:sticky;top:0}td.name{text-align:left}"
    "tr.chosen{background:#e3f1f5;font-weight:600}small{color:#777;font-weight:400}"
)


@dataclass(frozen=True, slots=True)
class GridResult:
    """What one cell came to.

    Attributes
    ----------
    axes
        What sets it apart, by axis; ``seed`` is one of them.
    ids
        What to find it by: ``run_id``, ``model_id``.
    training
        Counts of the training: ``epochs``, ``parameters`` and so on; ``val_score``, by which
        cells are chosen, with ``val_score_raw`` and ``val_score_chance``.
    figures
        By ``val``, ``test`` and ``frozen``, the figures of each evaluation, by the names that
        `evaluate_model` gives them; those that are not there are not shown.
    """

    axes: Mapping[str, str | int]
    ids: Mapping[str, str | None]
    training: Mapping[str, float]
    figures: Mapping[str, Mapping[str, float]]

    @property
    def setting(self) -> tuple[str, ...]:
        """All axes but the seed."""
        return tuple(str(value) for axis, value in self.axes.items() if axis != "seed")


def choose_cell(results: Sequence[GridResult]) -> int:
    """Choose a cell by validation alone.

    Parameters
    ----------
    results
        All cells; one without a ``val_score`` comes last.

    Returns
    -------
    int
        Its place: of the best setting by the mean over seeds, the best seed; ties go to the first.
    """
    frame = _score_frame(results)
    best = frame[f"{SCORE}_mean"].max()
    if np.isnan(best):
        return 0
    candidates = frame[frame[f"{SCORE}_mean"] >= best]
    return int(candidates[SCORE].idxmax())


def tabulate_results(results: Sequence[GridResult]) -> pd.DataFrame:
    """Lay the cells out, the best setting first.

    Parameters
    ----------
    results
        All cells; test figures are taken of the chosen one only, whatever others have.

    Returns
    -------
    pandas.DataFrame
        Columns: ``rank`` (of the setting), ``chosen``, the axes, ``val_score_mean`` and
        ``val_score_spread`` over the setting's ``seeds``; ``val_score`` and further counts;
        figures as ``val_NAME``, ``test_NAME`` and ``frozen_NAME``, each with ``_low``, ``_high``,
        ``_raw`` and ``_chance``; the ids.
    """
    frame, chosen = _score_frame(results), choose_cell(results)
    rows = []
    for position, result in enumerate(results):
        row: dict[str, object] = {"chosen": position == chosen, **result.axes}
        row |= dict(frame.loc[position].drop("setting"))
        row |= dict(result.training)
        for source in SOURCES:
            if source == "val" or position == chosen:
                row |= _pick(source, result.figures.get(source, {}))
        rows.append(row | dict(result.ids))
    table = pd.DataFrame(rows)
    rank = table[f"{SCORE}_mean"].rank(method="dense", ascending=False, na_option="bottom")
    table.insert(0, "rank", rank.astype(int))
    return table.sort_values(
        ["rank", SCORE], ascending=[True, False], kind="stable", ignore_index=True
    )


def write_leaderboard(table: pd.DataFrame, target: Path, title: str) -> None:
    """Write `leaderboard.csv`, `leaderboard.json` and `leaderboard.html` into a folder.

    Parameters
    ----------
    table
        From `tabulate_results`.
    target
        The folder.
    title
        Heading of the page.
    """
    table.to_csv(target / CSV_NAME, index=False, float_format="%.6g")
    records = json.loads(table.to_json(orient="records"))
    (target / JSON_NAME).write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    (target / PAGE_NAME).write_text(render_page(table, title), encoding="utf-8")


def render_page(table: pd.DataFrame, title: str) -> str:
    """Return the leaderboard as one HTML page without outside assets.

    Parameters
    ----------
    table
        From `tabulate_results`.
    title
        Its heading.

    Returns
    -------
    str
        HTML.
    """
    axes = [name for name in ("loss", "fusion", "encoder", "features", "seed") if name in table]
    shown = [name for name in (*SHOWN, *PROTOTYPES) if f"val_{name}" in table]
    heads = ["rank", *axes, "validation score: mean of seeds", "of this seed"]
    heads += [f"val: {_words(name)}" for name in shown]
    lines = [
        f"<tr{' class=chosen' if row['chosen'] else ''}><td>{row['rank']}</td>"
        + "".join(f"<td class=name>{html.escape(str(row[axis]))}</td>" for axis in axes)
        + f"<td>{_share(row.get(f'{SCORE}_mean'))}</td>"
        + "".join(_cell(row, name) for name in (SCORE, *(f"val_{name}" for name in shown)))
        + "</tr>"
        for row in _records(table)
    ]
    return (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>"
        "<p>In percent, with the 95 % bootstrap interval where there is one; small print: raw "
        "features without any learning / chance. Ranked by the score by which training keeps its "
        "weights: mean reciprocal rank on validation recipes, a third of it over dishes that "
        "training never saw. Test and frozen set are shown for the chosen cell alone.</p>"
        f"{_chosen_section(table)}<h2>All cells, on validation</h2><table><tr>"
        f"{''.join(f'<th>{html.escape(head)}</th>' for head in heads)}</tr>"
        f"{''.join(lines)}</table>\n"
    )


def _chosen_section(table: pd.DataFrame) -> str:
    (row,) = _records(table[table["chosen"]])
    names = [*SHOWN, *PROTOTYPES]
    sources = [name for name in SOURCES if any(f"{name}_{figure}" in table for figure in names)]
    lines = [
        f"<tr><td class=name>{_words(name)}</td>"
        + "".join(_cell(row, f"{source}_{name}") for source in sources)
        + "</tr>"
        for name in names
    ]
    heads = "".join(f"<th>{SOURCES[source]}</th>" for source in sources)
    words = html.escape(" ".join(str(row[a]) for a in ("loss", "fusion", "encoder", "features")))
    return (
        f"<h2>Chosen: {words}, seed {row['seed']}</h2><table><tr><th></th>{heads}</tr>"
        f"{''.join(lines)}</table>"
    )


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _score_frame(results: Sequence[GridResult]) -> pd.DataFrame:
    values = [float(result.training.get(SCORE, np.nan)) for result in results]
    frame = pd.DataFrame({
        "setting": [" ".join(result.setting) for result in results],
        SCORE: values,
    })
    by_setting = frame.groupby("setting")[SCORE]
    frame[f"{SCORE}_mean"] = by_setting.transform("mean")
    frame[f"{SCORE}_spread"] = by_setting.transform(lambda of_seeds: of_seeds.std(ddof=0))
    frame["seeds"] = by_setting.transform("size")
    return frame


def _pick(source: str, metrics: Mapping[str, float]) -> dict[str, float]:
    return {
        f"{source}_{name}{suffix}": metrics[f"{name}{suffix}"]
        for name in (*SHOWN, *PROTOTYPES)
        for suffix in SUFFIXES
        if f"{name}{suffix}" in metrics
    }


def _words(name: str) -> str:
    words = {
        "dish_full_recall_at_1": "right dish first, everything shown",
        "dish_image_recall_at_1": "by photo",
        "dish_title_recall_at_1": "by title",
        "prototype_full_known_top1": "by prototype, known dishes",
        "prototype_full_unknown_top1": "by prototype, unknown dishes",
    }
    return words[name]


def _share(value: object) -> str:
    return f"{100 * value:.1f}" if isinstance(value, float) and np.isfinite(value) else "-"


def _cell(row: Mapping[str, object], name: str) -> str:
    text = _share(row.get(name))
    if text != "-" and _share(row.get(f"{name}_low")) != "-":
        text += f" [{_share(row.get(f'{name}_low'))}, {_share(row.get(f'{name}_high'))}]"
    beside = " / ".join(_share(row.get(f"{name}_{kind}")) for kind in ("raw", "chance"))
    return f"<td>{text}<br><small>{beside}</small></td>"
