"""The evaluation as a page for people: `report.md` and one chart.

Each row sets the learned figure beside raw features and chance, with the learned figure's 95 %
interval, so that no number stands alone. The page is made from the figures alone and can be made
again from `metrics.json`.
"""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from mmpipeline.evaluation.metrics.recipe1m_protocol import BAG_SIZES
from mmpipeline.evaluation.reports.tables import BASELINES, to_markdown
from mmpipeline.models.embed import QUERY_SUBSETS

CHART_NAME = "retrieval.png"
SUBSET_WORDS = {
    "image": "photo",
    "title": "title",
    "ingredients": "ingredients",
    "instructions": "steps",
    "text": "all text",
    "full": "everything",
}
DIRECTIONS = {"recipe_image_to_text": "photo to text", "recipe_text_to_image": "text to photo"}
COLOURS = {"learned": "#1f6f8b", "raw features": "#e0a458", "chance": "#9a9a9a"}


def write_report(
    metrics: Mapping[str, float], target: Path, split: str, judged: pd.DataFrame | None = None
) -> None:
    """Write `report.md` and its chart into a folder.

    Parameters
    ----------
    metrics
        The figures, by the names that `evaluate_model` gives them.
    target
        The folder.
    split
        The split that asked.
    judged
        How each subset of modalities does beside its best part, from `judge_subsets`.
    """
    sections = [
        f"# Evaluation on held-out recipes ({split} split)",
        f"{metrics['queries']:.0f} recipes ask; {metrics['items']:.0f} could be found, "
        f"{metrics['labelled_items']:.0f} of them with a known dish. Where the dish decides, only "
        "these ask and are candidates: whether an unlabelled one is right, nobody knows. The "
        "model's figures stand with their 95 % bootstrap interval. Beside them: *raw*, the "
        "summed cosines of the unlearned, centred vectors; *words*, TF-IDF over all text; "
        "*one part*, ridge regression from the one modality to known dishes; and *chance*. A dash "
        "means no answer, or nothing asked. Ties count against the model.",
        f"![Learned, raw and chance for each kind of query]({CHART_NAME})",
        "## A recipe of the same dish, by what the query shows",
        *_retrieval_table({f"dish_{key}": word for key, word in SUBSET_WORDS.items()}, metrics),
        "### Dishes that training never saw",
        *_retrieval_table(
            {f"dish_{key}_unknown": word for key, word in SUBSET_WORDS.items()}, metrics
        ),
        "## A recipe's own text by its photo, and back",
        *_retrieval_table(
            DIRECTIONS,
            metrics,
        ),
        *_bag_table(metrics),
        "## The same dish in the other language, by title",
        *_retrieval_table(
            {
                f"language_{pair}{scope}": f"{words}{suffix}"
                for pair, words in (
                    ("ko_to_en", "Korean to English"),
                    ("en_to_ko", "English to Korean"),
                )
                for scope, suffix in (
                    ("", ""),
                    ("_known", ", known dishes"),
                    ("_unknown", ", unknown dishes"),
                )
            },
            metrics,
        ),
        "## The dish by its prototype",
        *_prototype_table(metrics),
        *_subset_sections(judged),
        "## Where it fails",
        "The worst queries, with photos: [failures.html](failures.html). All figures: "
        "[figures.csv](figures.csv).",
    ]
    (target / "report.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    draw_chart(metrics, target / CHART_NAME)


def draw_chart(metrics: Mapping[str, float], path: Path) -> None:
    """Draw recall_at_1 of each kind of query: learned beside raw features and chance.

    Parameters
    ----------
    metrics
        The figures.
    path
        PNG to write.
    """
    subsets = [key for key in QUERY_SUBSETS if f"dish_{key}_recall_at_1" in metrics]
    series = {"learned": "", "raw features": "_raw", "chance": "_chance"}
    with mpl.rc_context({"font.size": 10, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(9, 4.5), dpi=120, layout="constrained")
        axes = figure.subplots()
        for offset, (name, suffix) in enumerate(series.items()):
            heights = [100 * metrics[f"dish_{key}_recall_at_1{suffix}"] for key in subsets]
            places = [position + 0.27 * (offset - 1) for position in range(len(subsets))]
            bars = axes.bar(places, heights, width=0.25, color=COLOURS[name], label=name)
            if suffix:
                axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=2)
        for position, key in enumerate(subsets):
            low, value, high = (
                100 * metrics[f"dish_{key}_recall_at_1{end}"] for end in ("_low", "", "_high")
            )
            axes.errorbar(
                position - 0.27,
                value,
                yerr=[[value - low], [high - value]],
                color="black",
                capsize=3,
            )
            axes.text(position - 0.27, high + 1.5, f"{value:.0f}", ha="center", fontsize=8)
        axes.set_xticks(range(len(subsets)), [SUBSET_WORDS[key] for key in subsets])
        axes.set_ylim(0, 112)
        axes.set_yticks(range(0, 101, 20))
        axes.set_ylabel("queries whose nearest recipe\nis of the same dish (%)")
        axes.set_xlabel("what the query shows")
        axes.set_title("Recall at 1 on held-out recipes, with 95 % intervals")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(path, metadata={"Software": None})


def _retrieval_table(rows: Mapping[str, str], metrics: Mapping[str, float]) -> list[str]:
    lines = [
        "| query | asked | recall at 1 (%) | raw | words | one part | chance | recall at 5 | "
        "recall at 10 | median rank (raw, chance) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, words in rows.items():
        if not metrics.get(f"{name}_queries"):
            continue
        first = f"{name}_recall_at_1"
        cells = [f"{metrics[f'{name}_queries']:.0f}", _interval(first, metrics, 100)]
        cells += [_share(f"{first}_{baseline}", metrics) for baseline in BASELINES]
        cells += [_interval(f"{name}_recall_at_{k}", metrics, 100) for k in (5, 10)]
        rank = f"{name}_median_rank"
        raw = f"{metrics[f'{rank}_raw']:.1f}" if f"{rank}_raw" in metrics else "-"
        chance = metrics[f"{rank}_chance"]
        cells.append(f"{_interval(rank, metrics, 1)} ({raw}, {chance:.1f})")
        lines.append(f"| {words} | {' | '.join(cells)} |")
    if len(lines) == 2:
        return ["These recipes hold no such query."]
    return ["\n".join(lines)]


def _interval(name: str, metrics: Mapping[str, float], scale: float) -> str:
    low, high = metrics[f"{name}_low"] * scale, metrics[f"{name}_high"] * scale
    return f"{metrics[name] * scale:.1f} [{low:.1f}, {high:.1f}]"


def _bag_table(metrics: Mapping[str, float]) -> list[str]:
    """Return the figures over bags of 1k and 10k, where there are as many recipes."""
    lines = [
        "| search | bag | recall at 1 (%) | recall at 5 | recall at 10 | median rank (chance) |",
        "|---|---|---|---|---|---|",
    ]
    for name, words in DIRECTIONS.items():
        for bag in BAG_SIZES:
            if f"{name}_{bag}_median_rank" not in metrics:
                continue
            cells = [_share(f"{name}_{bag}_recall_at_{k}", metrics) for k in (1, 5, 10)]
            rank = f"{name}_{bag}_median_rank"
            cells.append(f"{metrics[rank]:.1f} ({metrics[f'{rank}_chance']:.1f})")
            lines.append(f"| {words} | {bag} | {' | '.join(cells)} |")
    if len(lines) == 2:
        return ["There are fewer than 1,000 such recipes: all of them are the one bag."]
    return ["Averages over ten bags, by the protocol of Recipe1M:", "\n".join(lines)]


def _subset_sections(judged: pd.DataFrame | None) -> list[str]:
    """Return the matrix and what it says of showing more than one part."""
    if judged is None or not len(judged):
        return []
    table = judged.assign(
        holds=["yes" if holds else "no" for holds in judged["holds"]],
        gain=[f"{row.gain:+.3f} [{row.low:+.3f}, {row.high:+.3f}]" for row in judged.itertuples()],
    )[["queries", "recall_at_1", "best_single", "single_recall_at_1", "gain", "holds"]]
    table.index.name = "query shows"
    return [
        "## Any subset against any subset",
        "![Recall at 1 for every query subset and item subset](matrix.png)",
        "Whether showing more ever finds less: each subset beside the best single part of it, over "
        "the queries that show all of it, items with all they have. It holds where the interval of "
        "the paired difference reaches 0.",
        to_markdown(table),
    ]


def _prototype_table(metrics: Mapping[str, float]) -> list[str]:
    lines = [
        "| query | asked | top-1 (%) | top-5 (%) | known top-1 | unknown top-1 | harmonic mean |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, words in SUBSET_WORDS.items():
        name = f"prototype_{key}"
        if f"{name}_top1" not in metrics:
            continue
        cells = [
            rf"{_share(f'{name}_{figure}', metrics)} / {_share(f'{name}_{figure}_raw', metrics)}"
            + (rf" / {_share(f'{name}_{figure}_chance', metrics)}" if "_" not in figure else "")
            for figure in ("top1", "top5", "known_top1", "unknown_top1", "harmonic_mean")
        ]
        lines.append(f"| {words} | {metrics[f'{name}_queries']:.0f} | {' | '.join(cells)} |")
    if len(lines) == 2:
        return ["No dish has both references and queries."]
    return ["Cells read *learned / raw features / chance*, or without chance.", "\n".join(lines)]


def _share(name: str, metrics: Mapping[str, float]) -> str:
    return f"{100 * metrics[name]:.1f}" if name in metrics else "-"
