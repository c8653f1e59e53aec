"""The cost of one per cent of new recipes, beside building the whole catalogue anew.

Both build over the same recipes with the same catalogue before. The merged one is checked to hold
the same rows as the one built anew.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.catalog_recipes import write_sources
from benchmarks.process_cost import measure
from mmpipeline.catalog.build import build_catalog
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.storage.segments import read_recipes

_NEW_SHARE = 0.01
_CHECKED = ["recipe_id", "title", "dish", "group_id", "split", "content_hash"]


def _build(folder: Path, source: str, name: str, compact_fraction: float) -> dict[str, float]:
    before = folder / "before"
    target = folder / name
    target.mkdir()
    config = CatalogConfig(compact_fraction=compact_fraction)
    previous = before if name != "before" else None
    sources = {"generated": folder / source}
    return build_catalog(sources, target, config, folder / "spill", "1GB", 2, previous)


def merge(folder: Path) -> dict[str, float]:
    """Merge the new recipes into the catalogue before."""
    return _build(folder, "later", "merged", 1)


def build_anew(folder: Path) -> dict[str, float]:
    """Build the same catalogue anew."""
    return _build(folder, "later", "anew", 0)


def run(recipes: int, folder: Path) -> dict[str, float | bool]:
    """Generate, build, merge, compare.

    Parameters
    ----------
    recipes
        How many before; a multiple of 5,000, by which the generator repeats itself.
    folder
        Where to work.

    Returns
    -------
    dict of str to float or bool
        The figures.
    """
    write_sources(folder / "source", recipes)
    write_sources(folder / "later", round(recipes * (1 + _NEW_SHARE)))
    _build(folder, "source", "before", 0)
    merged, anew = measure(merge, folder), measure(build_anew, folder)
    tables = [
        read_recipes(folder / name, _CHECKED).sort_by("recipe_id") for name in ("merged", "anew")
    ]
    shared = (folder / "before/recipes.parquet").samefile(folder / "merged/recipes.parquet")
    figures = {
        "records": recipes,
        "new": round(recipes * _NEW_SHARE),
        "merge_cpu_s": merged.cpu_s,
        "anew_cpu_s": anew.cpu_s,
        "ratio_cpu": merged.cpu_s / anew.cpu_s,
        "merge_wall_s": merged.wall_s,
        "anew_wall_s": anew.wall_s,
        "merge_peak_rss_mb": merged.peak_rss_mb,
        "same_rows": tables[0].equals(tables[1]),
        "shares_file": shared,
    }
    for name in ("before", "merged", "anew"):
        shutil.rmtree(folder / name)
    return figures


def main(
    records: Annotated[int, typer.Option(min=5000)] = 200_000,
    as_json: Annotated[bool, typer.Option("--json", help="one line for machines")] = False,
) -> None:
    """Measure merging one per cent of new recipes."""
    with tempfile.TemporaryDirectory() as folder:
        figures = run(records, Path(folder))
    rounded = {key: round(value, 4) for key, value in figures.items()}
    if as_json:
        print(json.dumps(rounded))
    else:
        print("\n".join(f"{key:24} {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    typer.run(main)
