"""The pair table's report as a page for people: `report.md` and its charts.

Made from `report.json` alone, so it can be made again at any time. A chart's numbers are those of
the table below it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from mmpipeline.pairs.figures import (
    KIND_WORDS,
    MOST_ROWS,
    Rows,
    draw_busiest,
    draw_dishes,
    draw_kinds,
    draw_languages,
    draw_lonely_dishes,
)
from mmpipeline.schemas import SPLITS


def write_page(report: Mapping[str, Any], target: Path) -> str:
    """Write `report.md` and its charts into a folder.

    Parameters
    ----------
    report
        What `report.json` holds.
    target
        The folder.

    Returns
    -------
    str
        The page, as Markdown.
    """
    dishes = _sum_splits(report["dishes"])
    charts = {
        "pairs_by_kind.png": (draw_kinds, report["kinds"]),
        "pairs_by_dish.png": (draw_dishes, dishes),
        "pairs_by_language.png": (draw_languages, report["languages"]),
        "dishes_without_positives.png": (draw_lonely_dishes, report["dishes"]),
        "busiest_recipes.png": (draw_busiest, report["busiest"]),
    }
    with mpl.rc_context({"font.size": 10, "font.family": "DejaVu Sans"}):
        for name, (draw, rows) in charts.items():
            figure = Figure(figsize=(9, 4.5), dpi=100, layout="constrained")
            axes = figure.subplots()
            draw(axes, rows)
            axes.spines[["top", "right"]].set_visible(False)
            figure.savefig(target / name, metadata={"Software": None})
    page = "\n\n".join(_sections(report, dishes)) + "\n"
    (target / "report.md").write_text(page, encoding="utf-8")
    return page


def _sections(report: Mapping[str, Any], dishes: Rows) -> list[str]:
    counts = report["counts"]
    lonely = report["dishes_without_positives"]
    return [
        "# Contrastive pairs",
        f"{counts['pairs']:,.0f} pairs of {counts['anchors']:,.0f} anchors, from "
        f"{counts['catalogue_recipes']:,.0f} recipes of the catalogue. Left out: "
        f"{counts.get('excluded', 0):,.0f} that link sides of the split, "
        f"{counts['held_out_in_train']:,.0f} of held-out dishes in the train split, "
        f"{counts['without_content']:,.0f} without photo and text. "
        f"{counts['without_image']:,.0f} have no photo and pair by their text.",
        "## By kind and split",
        "![Pairs by kind and split](pairs_by_kind.png)",
        _table(
            ["kind", "what differs", *SPLITS, "wanted but missing"], _kind_rows(report), numbers=4
        ),
        "## By dish of the anchor",
        "![Pairs of the dishes with most](pairs_by_dish.png)",
        _table(
            ["", "dish", "recipes", "pairs", "same dish", "look-alike"],
            [
                [
                    n,
                    *(
                        r[key]
                        for key in ("dish", "recipes", "pairs", "positives", "hard_negatives")
                    ),
                ]
                for n, r in enumerate(dishes[:MOST_ROWS], 1)
            ],
            numbers=4,
        ),
        _rest(len(dishes), "dishes"),
        "## By languages of anchor and right-hand text",
        "![Pairs by languages](pairs_by_language.png)",
        "## Dishes without positives",
        f"{len(lonely)} times a dish has one recipe in a split, so none of the same dish to pair "
        "it with.",
        "![Dishes with and without positives](dishes_without_positives.png)",
        _table(
            ["split", "dish"],
            [[row["split"], row["dish"]] for row in lonely[:MOST_ROWS]],
            numbers=0,
        ),
        _rest(len(lonely), "dishes"),
        "## Busiest recipes",
        "Those that stand on the right in most pairs of other anchors.",
        "![Busiest recipes](busiest_recipes.png)",
        _table(
            ["", "recipe", "dish", "split", "pairs"],
            [
                [n, row["recipe_id"], row["dish"] or "-", row["split"], row["pairs"]]
                for n, row in enumerate(report["busiest"], 1)
            ],
            numbers=1,
        ),
    ]


def _kind_rows(report: Mapping[str, Any]) -> list[list[Any]]:
    pairs = {(row["kind"], row["split"]): row["pairs"] for row in report["kinds"]}
    missing = {row["kind"]: row["missing"] for row in report["shortfalls"]}
    return [
        [kind, words, *(pairs[kind, split] for split in SPLITS), missing.get(kind, 0)]
        for kind, words in KIND_WORDS.items()
    ]


def _sum_splits(rows: Rows) -> Rows:
    """Add up each dish over the splits, most pairs first."""
    sums: dict[str, dict[str, Any]] = {}
    for row in rows:
        total = sums.setdefault(row["dish"], {"dish": row["dish"]})
        for key in ("recipes", "pairs", "positives", "hard_negatives"):
            total[key] = total.get(key, 0) + row[key]
    return sorted(sums.values(), key=lambda row: (-row["pairs"], row["dish"]))


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]], numbers: int) -> str:
    """Make a Markdown table whose last columns are numbers; no rows, no table."""
    if not rows:
        return "None."
    rule = ["---"] * (len(header) - numbers) + ["---:"] * numbers
    cells = [[f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in (list(header), rule, *escaped))


def _rest(count: int, what: str) -> str:
    more = count - MOST_ROWS
    return f"{more:,} more {what} are in `report.json`." if more > 0 else f"All {what} are listed."
