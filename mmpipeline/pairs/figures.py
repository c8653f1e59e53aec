"""The charts of a pair table's report.

They name dishes only in letters that every machine's fonts have, so that the same report gives the
same picture everywhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from mmpipeline.schemas import SPLITS

MOST_ROWS = 25
COLOURS = {"train": "#1f6f8b", "val": "#e0a458", "test": "#7a9e7e"}
LABEL_COLOURS = {"positive": "#1f6f8b", "negative": "#e0a458"}
KIND_WORDS = {
    "positive_recipe": "own photo and text",
    "positive_dish": "same dish",
    "negative_both": "other dish",
    "negative_image": "photo swapped",
    "negative_text": "text swapped",
    "negative_hard": "look-alike dish",
}
Rows = Sequence[Mapping[str, Any]]


def draw_kinds(axes: Axes, rows: Rows) -> None:
    """Draw the pairs of each kind, split by split.

    Parameters
    ----------
    axes
        Where to draw.
    rows
        Rows with `kind`, `split` and `pairs`.
    """
    pairs = {(row["kind"], row["split"]): row["pairs"] for row in rows}
    for offset, split in enumerate(SPLITS):
        places = [position + 0.27 * (offset - 1) for position in range(len(KIND_WORDS))]
        heights = [pairs[kind, split] for kind in KIND_WORDS]
        bars = axes.bar(places, heights, width=0.25, color=COLOURS[split], label=split)
        axes.bar_label(bars, [_short(height) for height in heights], fontsize=8, padding=2)
    axes.set_xticks(range(len(KIND_WORDS)), list(KIND_WORDS.values()))
    axes.set_ylabel("pairs")
    axes.set_title("Pairs by kind and split")
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    _add_legend(axes)


def draw_dishes(axes: Axes, rows: Rows) -> None:
    """Draw what the dishes with most pairs have of each sort.

    Parameters
    ----------
    axes
        Where to draw.
    rows
        Rows with `dish`, `pairs`, `positives` and `hard_negatives`, most pairs first.
    """
    shown = rows[:MOST_ROWS]
    places = range(len(shown))
    other = [row["pairs"] - row["positives"] - row["hard_negatives"] for row in shown]
    same, hard = ([row[key] for row in shown] for key in ("positives", "hard_negatives"))
    axes.bar(places, same, color="#1f6f8b", label="same dish")
    axes.bar(places, hard, bottom=same, color="#b5532f", label="look-alike dish")
    below = [a + b for a, b in zip(same, hard, strict=True)]
    axes.bar(places, other, bottom=below, color="#cfcfcf", label="own photo,\nother dish, swaps")
    names = [_name(n, row["dish"]) for n, row in enumerate(shown, 1)]
    axes.set_xticks(places, names, parse_math=False)
    axes.tick_params("x", rotation=60)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")
        label.set_rotation_mode("anchor")
    axes.set_ylabel("pairs of its anchors")
    axes.set_title(f"The {len(shown)} dishes with most pairs, of {len(rows):,}")
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    _add_legend(axes)


def draw_languages(axes: Axes, rows: Rows) -> None:
    """Draw positives and negatives by the languages of the two sides.

    Parameters
    ----------
    axes
        Where to draw.
    rows
        Rows with `language_pair`, `label` and `pairs`.
    """
    words = sorted({row["language_pair"] for row in rows})
    pairs = {(row["language_pair"], row["label"]): row["pairs"] for row in rows}
    for offset, (word, colour) in enumerate(LABEL_COLOURS.items()):
        heights = [pairs.get((pair, 1 - offset), 0) for pair in words]
        places = [position + 0.4 * offset - 0.2 for position in range(len(words))]
        bars = axes.bar(places, heights, width=0.38, color=colour, label=word)
        axes.bar_label(bars, [_short(height) for height in heights], fontsize=8, padding=2)
    axes.set_xticks(range(len(words)), words)
    axes.set_xlabel("language of the anchor - language of the right-hand text")
    axes.set_ylabel("pairs")
    axes.set_title("Pairs by languages")
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    _add_legend(axes)


def draw_lonely_dishes(axes: Axes, rows: Rows) -> None:
    """Draw how many dishes of each split have positives and how many have none.

    Parameters
    ----------
    axes
        Where to draw.
    rows
        Rows with `split` and `positives`.
    """
    without = [sum(r["split"] == s and not r["positives"] for r in rows) for s in SPLITS]
    having = [sum(r["split"] == s and r["positives"] > 0 for r in rows) for s in SPLITS]
    for heights, left, colour, word in (
        (having, [0] * len(SPLITS), "#1f6f8b", "with positives"),
        (without, having, "#b5532f", "one recipe only:\nno positives"),
    ):
        bars = axes.barh(SPLITS, heights, left=left, color=colour, label=word)
        texts = [f"{height:,}" if height else "" for height in heights]
        axes.bar_label(bars, texts, label_type="center", color="white")
    axes.invert_yaxis()
    axes.set_xlabel("dishes")
    axes.set_title("Dishes with and without positives of the same dish")
    _add_legend(axes)


def draw_busiest(axes: Axes, rows: Rows) -> None:
    """Draw the recipes that stand in most pairs of other anchors.

    Parameters
    ----------
    axes
        Where to draw.
    rows
        Rows with `recipe_id`, `dish`, `split` and `pairs`, most pairs first.
    """
    bars = axes.barh(
        range(len(rows)),
        [row["pairs"] for row in rows],
        color=[COLOURS[row["split"]] for row in rows],
    )
    axes.bar_label(bars, [f"{row['pairs']:,}" for row in rows], fontsize=8, padding=2)
    names = [_name(n, row["recipe_id"]) for n, row in enumerate(rows, 1)]
    axes.set_yticks(range(len(rows)), names, fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("pairs of other anchors")
    axes.set_title("The busiest recipes")
    handles = [Patch(color=colour, label=split) for split, colour in COLOURS.items()]
    _add_legend(axes, handles)


def _add_legend(axes: Axes, handles: list[Patch] | None = None) -> None:
    """Put the legend beside the chart, where it hides no bar."""
    axes.legend(handles=handles, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _short(value: float) -> str:
    """Return 1234567 as 1.2M and 12345 as 12k."""
    for scale, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:g}"


def _name(number: int, name: str) -> str:
    return f"{number}. {name[:24]}" if name.isascii() else f"{number}."
