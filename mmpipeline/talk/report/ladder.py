"""The ladder: what each step from the talk's nets to ours is worth, as one table."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mmpipeline.talk.report.demands import Figures
from mmpipeline.talk.report.published import FULL, SINGLES

COLUMNS = ("step", "known", "known and unknown", "all", "one part, all", "one part to full, all")
OPENING = (
    "One change a step, on the first draw alone; top-1 of mean prototypes, K = {k}. *One part*: "
    "the mean over queries of one modality, against references of the same modality; *to full*: "
    "against references of all."
)


def write_ladder(cells: pd.DataFrame, changes: Mapping[str, str]) -> list[str]:
    """Write the section of the page.

    Parameters
    ----------
    cells
        From `evaluate_methods`, with the column ``data_seed``; method names are the keys of
        `changes`.
    changes
        By step, in order, what it changes.

    Returns
    -------
    list of str
        Paragraphs of Markdown; none if no step was measured.
    """
    measured = [name for name in changes if (cells["method"] == name).any()] if len(cells) else []
    if not measured:
        return []
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    figures, k = Figures(cells), int(cells.loc[cells["query"] != FULL, "k"].max())
    for name in measured:
        rules = cells.loc[cells["method"] == name, "rule"].unique()
        rule = "mean_cosine" if "mean_cosine" in rules else "mean_euclid"
        values = [*_scopes(figures, name, rule, k), *_single_parts(figures, name, rule, k)]
        row = [changes[name], *(f"{100 * value:.1f}" for value in values)]
        lines.append("| " + " | ".join(row) + " |")
    return ["## The ladder", OPENING.format(k=k), "\n".join(lines)]


def _scopes(figures: Figures, name: str, rule: str, k: int) -> Sequence[float]:
    return [float(figures.top1(name, rule, scope, k).mean()) for scope in figures.scopes]


def _single_parts(figures: Figures, name: str, rule: str, k: int) -> Sequence[float]:
    scope = figures.scopes[-1]
    means = []
    for references in (None, FULL):
        places = [(k, query, references or query) for query in SINGLES]
        values = [float(figures.across(name, rule, scope, place).mean()) for place in places]
        means.append(sum(values) / len(values))
    return means
