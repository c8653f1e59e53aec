"""Figures about a catalogue that a person should look at before training on it."""

from pathlib import Path
from typing import Any

import duckdb

_FREQUENT_DISHES = 30
_TALLIED = {
    "source": "source",
    "language": "language",
    "split": "split",
    "source_and_split": "source || ' ' || split",
    "source_and_language": "source || ' ' || language",
    "dish_set": "dish_set",
    "dish_source": "dish_source",
}
_MISSING = {
    "title": "title_length IS NULL",
    "ingredients": "ingredient_lines = 0",
    "instructions": "instruction_lines = 0",
    "photo": "NOT has_photo",
    "dish": "dish IS NULL",
}


_LENGTHS = {
    "title, letters": "title_length",
    "ingredients, lines": "ingredient_lines",
    "instructions, letters": "instruction_length",
}


def measure_quality(
    connection: duckdb.DuckDBPyConnection, dishes: Path, quarantine: Path
) -> dict[str, Any]:
    """Count what a catalogue holds and lacks.

    Parameters
    ----------
    connection
        Holds the view `measured`; nothing is left in it.
    dishes, quarantine
        The two Parquet files of the artifact.

    Returns
    -------
    dict
        Plain JSON values in a fixed order: recipes by source, language, split and dish set;
        missing fields and lengths by source; copies; recipes ``excluded`` for linking sides of the
        split; quarantine by source and reason; the
        commonest dishes.
    """

    def rows(sql: str, path: Path | None = None) -> list[tuple[Any, ...]]:
        return connection.execute(sql, [str(path)] if path else None).fetchall()

    def tally(expression: str) -> dict[str, int]:
        sql = f"SELECT {expression}, count(*) FROM measured GROUP BY 1 ORDER BY 1 NULLS LAST"
        return {str(value or "none"): count for value, count in rows(sql)}

    counts = ", ".join(f"count(*) FILTER ({test})" for test in _MISSING.values())
    missing = rows(f"SELECT source, {counts} FROM measured GROUP BY source ORDER BY source")
    copies = rows(
        "SELECT count(*) FILTER (size > 1), coalesce(sum(size - 1), 0)::BIGINT, max(size) FROM "
        "(SELECT count(*) AS size FROM measured GROUP BY group_id)"
    )[0]
    reasons = rows(
        "SELECT source, reason, count(*) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL", quarantine
    )
    frequent = rows(
        "SELECT dish, recipes FROM read_parquet(?) ORDER BY recipes DESC, dish "
        f"LIMIT {_FREQUENT_DISHES}",
        dishes,
    )
    tables = {name: tally(expression) for name, expression in _TALLIED.items()}
    return {
        "recipes": sum(tables["source"].values()),
        "recipes_by": tables,
        "missing": {source: dict(zip(_MISSING, found, strict=True)) for source, *found in missing},
        "lengths": [
            {
                "source": source,
                "field": field,
                **dict(zip(("p5", "median", "p95", "longest"), map(int, levels), strict=True)),
            }
            for field, expression in _LENGTHS.items()
            for source, *levels in rows(_lengths_sql(expression))
        ],
        "excluded": tables["split"].get("excluded", 0),
        "copies": dict(zip(("groups", "recipes", "largest_group"), copies, strict=True)),
        "quarantine": [
            {"source": source, "reason": reason, "rows": count} for source, reason, count in reasons
        ],
        "dishes_by_set": {
            str(name): count
            for name, count in rows(
                "SELECT dish_set, count(*) FROM read_parquet(?) GROUP BY 1 ORDER BY 1", dishes
            )
        },
        "frequent_dishes": [{"dish": dish, "recipes": count} for dish, count in frequent],
    }


def _lengths_sql(expression: str) -> str:
    levels = ", ".join(
        f"coalesce(quantile_disc({expression}, {level}), 0)" for level in (0.05, 0.5, 0.95, 1.0)
    )
    return f"SELECT source, {levels} FROM measured GROUP BY source ORDER BY source"
