"""Counts that say what a pair table holds and what it lacks.

Summed up from one small table of counts (`sql/pair_counts.sql`), so that the report costs one
pass over the pairs however many tables it has.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from mmpipeline.errors import ArtifactError
from mmpipeline.pairs.statements import run_statement

REPORT_FILE = "report.json"


def report_pairs(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> dict[str, Any]:
    """Count pairs by kind, split, dish and language, and what is missing.

    Parameters
    ----------
    connection
        A database that holds the tables `recipe`, `anchor`, `pair_kind` and `slot`.
    values
        The parameters that the pairs were made with.

    Returns
    -------
    dict
        Plain JSON values. `counts` holds the figures for the manifest; `kinds`, `languages`,
        `dishes`, `busiest` and `shortfalls` are lists of rows; `dishes_without_positives` names
        the labelled dishes of each split that have one recipe only.
    """
    run_statement(connection, "pair_counts", values)
    tables = {
        name: _fetch_rows(connection, f"report_{name}", values)
        for name in ("kinds", "languages", "dishes", "busiest", "shortfalls")
    }
    lonely = [
        {key: row[key] for key in ("split", "dish", "recipes")}
        for row in tables["dishes"]
        if row["positives"] == 0
    ]
    (recipes,) = _fetch_rows(connection, "report_recipes", values)
    counts = {
        **recipes,
        "pairs": sum(row["pairs"] for row in tables["kinds"]),
        **_sum_pairs(tables["kinds"], "split", "pairs_"),
        **_sum_pairs(tables["kinds"], "kind", ""),
        "dishes": len({row["dish"] for row in tables["dishes"]}),
        "dishes_without_positives": len(lonely),
        **{f"missing_{row['kind']}": row["missing"] for row in tables["shortfalls"]},
    }
    return {
        "counts": {name: float(count) for name, count in counts.items()},
        "dishes_without_positives": lonely,
        **tables,
    }


def read_report(folder: Path) -> dict[str, Any]:
    """Read the report of a pair table.

    Parameters
    ----------
    folder
        Of a pairs artifact.

    Returns
    -------
    dict
        As `report_pairs` made it.

    Raises
    ------
    ArtifactError
        If it is missing or damaged.
    """
    path = folder / REPORT_FILE
    try:
        report: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}; build pairs again") from error
    return report


def _fetch_rows(
    connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, object]
) -> list[dict[str, Any]]:
    result = run_statement(connection, name, values)
    columns = [column[0] for column in result.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _sum_pairs(rows: list[dict[str, Any]], column: str, prefix: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        name = prefix + row[column]
        sums[name] = sums.get(name, 0) + row["pairs"]
    return sums
