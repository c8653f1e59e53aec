"""The catalogue at full size: time, memory, and whether planted copies are found.

The recipes are generated before the clock starts. Precision is the share of found groups' links
that were planted: every member of a group beyond the first is a link, and it is right when
planted pairs alone would have joined it to the group.
"""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from benchmarks.catalog_recipes import Pair, write_sources
from benchmarks.process_cost import measure
from mmpipeline.catalog.build import build_catalog
from mmpipeline.catalog.duplicates.copies import group_copies
from mmpipeline.config.catalog import CatalogConfig

_MEMORY = "1GB"


def build(folder: Path) -> dict[str, float]:
    """Build the catalogue over the generated source."""
    target = folder / "catalog"
    target.mkdir()
    return build_catalog(
        {"generated": folder / "source"}, target, CatalogConfig(), folder / "spill", _MEMORY, 2
    )


def run(recipes: int, folder: Path) -> dict[str, float]:
    """Generate, build and judge.

    Parameters
    ----------
    recipes
        How many.
    folder
        Where to work.

    Returns
    -------
    dict of str to float
        The figures.
    """
    exact, near = write_sources(folder / "source", recipes)
    cost = measure(build, folder)
    table = pq.read_table(
        folder / "catalog/recipes.parquet", columns=["recipe_id", "group_id", "split"]
    )
    ids, groups, splits = (table[name].to_pylist() for name in table.column_names)
    group_of = dict(zip(ids, groups, strict=True))
    split_of = dict(zip(ids, splits, strict=True))
    sides: dict[str, set[str]] = {}
    for recipe_id, group in group_of.items():
        sides.setdefault(group, set()).add(split_of[recipe_id])
    return {
        "records": recipes,
        "cpu_s": cost.cpu_s,
        "wall_s": cost.wall_s,
        "peak_rss_mb": cost.peak_rss_mb,
        "exact_recall": _recall(exact, group_of),
        "near_recall": _recall(near, group_of),
        "precision": _precision(exact + near, group_of),
        "split_leaks": sum(len(found) > 1 for found in sides.values()),
        "planted_pairs_apart": sum(split_of[a] != split_of[b] for a, b in exact + near),
    }


def _recall(planted: list[Pair], group_of: dict[str, str]) -> float:
    return sum(group_of[a] == group_of[b] for a, b in planted) / max(1, len(planted))


def _precision(planted: list[Pair], group_of: dict[str, str]) -> float:
    true_group = group_copies(planted)
    parts: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for recipe_id, group in group_of.items():
        parts.setdefault(group, set()).add(true_group.get(recipe_id, recipe_id))
        sizes[group] = sizes.get(group, 0) + 1
    links = sum(size - 1 for size in sizes.values())
    right = sum(sizes[group] - len(found) for group, found in parts.items())
    return right / max(1, links)


def main(
    records: Annotated[int, typer.Option(min=100)] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="one line for machines")] = False,
) -> None:
    """Measure the catalogue over generated recipes."""
    with tempfile.TemporaryDirectory() as folder:
        figures = run(records, Path(folder))
    rounded = {key: round(value, 4) for key, value in figures.items()}
    if as_json:
        print(json.dumps(rounded))
    else:
        print("\n".join(f"{key:24} {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    typer.run(main)
