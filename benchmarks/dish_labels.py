"""Dish labels against the sample world's truth, on titles alone.

The catalogue is built over the world's recipes without the pages' own dish names. A label stands
for the dish that most of the titles under it truly name: the labeller makes up its own keys and
knows nothing of the world. Precision is over all labelled titles, those without any dish name
included; recall is over the titles that hold a name or a variant of one, misspelt ones included.
"""

import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from mmpipeline.catalog.build import build_catalog
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.world.recipes import recipe_at
from mmpipeline.sample.world.truth import TruthRow, iterate_truth
from mmpipeline.schemas import QUARANTINE_SCHEMA, RECIPE_SCHEMA, Ingredient, Recipe
from mmpipeline.storage.parquet import ParquetSink
from mmpipeline.text.dishes import DishDictionary


def label(config: SampleConfig, folder: Path) -> dict[str, str]:
    """Build the catalogue over the world's titles; return the labels by recipe."""
    source, target = folder / "source", folder / "catalog"
    target.mkdir(parents=True)
    with ParquetSink(source / "recipes.parquet", RECIPE_SCHEMA) as sink:
        for index in range(config.recipes):
            sample = recipe_at(config, index)
            recipe = Recipe(
                recipe_id=sample.recipe_id,
                source=sample.recipe_id[:3],
                language=sample.language,
                title=sample.title,
                ingredients=tuple(Ingredient(text=item.line) for item in sample.ingredients),
                instructions=sample.steps,
            )
            sink.append(recipe.to_row())
    with ParquetSink(source / "quarantine.parquet", QUARANTINE_SCHEMA):
        pass
    build_catalog({"sample": source}, target, CatalogConfig(), folder / "spill", "1GB", 2)
    table = pq.read_table(target / "recipes.parquet", columns=["recipe_id", "dish", "dish_source"])
    return {
        row["recipe_id"]: row["dish"]
        for row in table.to_pylist()
        if row["dish"] is not None and row["dish_source"] != "copy"
    }


def judge(config: SampleConfig, labels: dict[str, str]) -> dict[str, float]:
    """Compare labels with the truth.

    Parameters
    ----------
    config
        The world.
    labels
        Labels by recipe id.

    Returns
    -------
    dict of str to float
        Precision and recall by language, how many of the world's dishes the dictionary lacks, and
        of how many of those labelled in both languages the commonest labels are the same.
    """
    truth = list(iterate_truth(config))
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in truth:
        if row.recipe_id in labels:
            votes[labels[row.recipe_id]][row.dish] += 1
    stands_for = {name: found.most_common(1)[0][0] for name, found in votes.items()}
    known = {name for name in votes if name in DishDictionary.load().dishes}
    dishes = {row.dish for row in truth}
    reached = {stands_for[name] for name in known}
    figures = {
        "absent_dish_share": 1 - len(reached) / len(dishes),
        "joined_dish_share": _joined_share(truth, labels),
    }
    for language in ("ko", "en"):
        rows = [row for row in truth if row.language == language]
        labelled = [row for row in rows if row.recipe_id in labels]
        right = [row for row in labelled if stands_for[labels[row.recipe_id]] == row.dish]
        named = sum(row.title_names_dish for row in rows)
        figures[f"precision_{language}"] = len(right) / max(1, len(labelled))
        figures[f"recall_{language}"] = sum(row.title_names_dish for row in right) / max(1, named)
        names = len({labels[row.recipe_id] for row in labelled})
        figures[f"labels_per_dish_{language}"] = names / len(dishes)
    return figures


def _joined_share(truth: list[TruthRow], labels: dict[str, str]) -> float:
    found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in truth:
        if row.recipe_id in labels:
            found[row.dish][row.language][labels[row.recipe_id]] += 1
    commonest = [
        {names.most_common(1)[0][0] for names in by_language.values()}
        for by_language in found.values()
        if len(by_language) > 1
    ]
    return sum(len(names) == 1 for names in commonest) / max(1, len(commonest))


def main(
    recipes: Annotated[int, typer.Option(min=100)] = 1200,
    seed: Annotated[int, typer.Option(min=0)] = 2021,
    as_json: Annotated[bool, typer.Option("--json", help="one line for machines")] = False,
) -> None:
    """Measure dish labels on the sample world."""
    config = SampleConfig(recipes=recipes, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        figures = judge(config, label(config, Path(folder)))
    rounded = {key: round(value, 4) for key, value in figures.items()}
    if as_json:
        print(json.dumps(rounded))
    else:
        print("\n".join(f"{key:24} {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    typer.run(main)
