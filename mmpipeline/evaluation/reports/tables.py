"""The figures as tables: one row a question, one column a figure, for pandas and spreadsheets."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

BASELINES = ("raw", "tfidf", "single", "chance")
KINDS = ("low", "high", "spread", *BASELINES)
_FIGURE = re.compile(
    r"^(?P<question>.+?)_(?P<figure>recall_at_\d+|median_rank|mrr|(?:known_|unknown_)?top[15]"
    rf"|harmonic_mean|queries)(?:_(?P<kind>{'|'.join(KINDS)}))?$"
)


def tabulate_figures(metrics: Mapping[str, float]) -> pd.DataFrame:
    """Lay the figures out by question, figure and who answered.

    Parameters
    ----------
    metrics
        By the names that `evaluate_model` gives them.

    Returns
    -------
    pandas.DataFrame
        Columns ``question``, ``figure``, ``learned``, ``low``, ``high``, ``spread``, ``raw``,
        ``tfidf``, ``single``, ``chance``; missing where there is no such number.
    """
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for name, value in metrics.items():
        match = _FIGURE.match(name)
        if match:
            place = rows.setdefault((match["question"], match["figure"]), {})
            place[match["kind"] or "learned"] = value
    table = pd.DataFrame([
        {"question": question, "figure": figure, **row} for (question, figure), row in rows.items()
    ])
    return table.reindex(columns=["question", "figure", "learned", *KINDS])


def write_tables(
    metrics: Mapping[str, float], matrix: pd.DataFrame, judged: pd.DataFrame, target: Path
) -> None:
    """Write `figures.csv`, `matrix.csv` and `subsets.csv` into a folder.

    Parameters
    ----------
    metrics
        The figures.
    matrix
        From `tabulate_matrix`.
    judged
        From `judge_subsets`.
    target
        The folder.
    """
    tabulate_figures(metrics).to_csv(target / "figures.csv", index=False, float_format="%.6g")
    matrix.to_csv(target / "matrix.csv", index_label="query", float_format="%.6g")
    judged.to_csv(target / "subsets.csv", index_label="subset", float_format="%.6g")


def to_markdown(table: pd.DataFrame) -> str:
    """Return a table of strings and numbers as Markdown, its index in the first column."""
    head = [str(name) for name in (table.index.name, *table.columns)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name, row in zip(table.index, table.itertuples(index=False), strict=True):
        cells = [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append(f"| {' | '.join([str(name), *cells])} |")
    return "\n".join(lines)
