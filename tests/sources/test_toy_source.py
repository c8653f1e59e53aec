"""A source that is new to the product: a package of its own, and no other file.

Its declaration is the one in the docs, its reader stands here; both are put into a copy of the
product, which then finds, normalises, plans, catalogues and keeps it beside another source.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.config import SampleConfig
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.sources import find_sources

ROOT = Path(__file__).parents[2]
IMPORTS = """
from typing import Literal
from mmpipeline.config import Section
from mmpipeline.sources import Source
from mmpipeline.storage.manifest import digest_file
"""
READER = """
import csv
from mmpipeline.schemas import (
    QUARANTINE_SCHEMA, RECIPE_SCHEMA, Ingredient, QuarantineRow, Recipe
)
from mmpipeline.storage.parquet import ParquetSink


def read_csv(place, target, language):
    counts = {"recipes": 0.0, "quarantined": 0.0}
    with (
        place.open(encoding="utf-8", newline="") as file,
        ParquetSink(target / "recipes.parquet", RECIPE_SCHEMA) as recipes,
        ParquetSink(target / "quarantine.parquet", QUARANTINE_SCHEMA) as quarantine,
    ):
        for number, row in enumerate(csv.DictReader(file), start=2):
            where, name = f"{place.name}:{number}", f"csv:{row['id']}"
            if not row["title"]:
                bad = QuarantineRow(
                    source="csv", place=where, reason="no_title", recipe_id=name
                )
                quarantine.append(bad.to_row())
                counts["quarantined"] += 1
                continue
            recipe = Recipe(
                recipe_id=name, source="csv", language=language, title=row["title"],
                ingredients=tuple(Ingredient(text=one) for one in row["ingredients"].split(";")),
                instructions=tuple(row["instructions"].split(";")),
            )
            recipes.append(recipe.to_row())
            counts["recipes"] += 1
    return counts
"""
STEPS = """
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mmpipeline.config import RefreshRequest, RetentionConfig, load_config, load_settings
from mmpipeline.operations.doctor import examine
from mmpipeline.operations.retention import plan_retention
from mmpipeline.planning.catalog import newest_recipes
from mmpipeline.planning.lines import describe_plan
from mmpipeline.planning.settings import check_tables
from mmpipeline.sources import find_sources
from mmpipeline.storage import DataLayout, open_artifact, read_parquet
from tasks.stages import catalog, recipe1m, sources

root, table, dump, settings = map(Path, sys.argv[1:])
config, layout = load_config(settings), DataLayout.at(root)
check_tables(config)
FEW = RetentionConfig(keep_versions=1, keep_days=0)


def bring():
    sources.fetch.fn("csv_recipes", table, config)
    return sources.normalise.fn("csv_recipes", table, config, root)


def change(title):
    table.write_text(table.read_text() + f"9{title},{title},1 invented leek,Cook it.\\n")
    return bring()


dumped = recipe1m.normalize.fn(dump, config.recipe1m, root)
first = bring()
assert bring() == first
recipes = newest_recipes(root)
merged = catalog.merge.fn(recipes, config.catalog, root)
rows = read_parquet(merged / "recipes.parquet").to_pylist()
quarantined = read_parquet(merged / "quarantine.parquet").to_pylist()
lines = describe_plan(root, config, RefreshRequest(scrape=False, newest=True))
second, third = change("Unseen Leek"), change("Another Leek")
found = {one.check: one.status for one in examine(layout, load_settings(), deep=True)}
for folder in (first, second):  # all were made within a second
    (folder / "manifest.json").write_text(
        (folder / "manifest.json").read_text().replace('"created_at": "20', '"created_at": "10')
    )
kept = plan_retention(layout, FEW, datetime.now(UTC) + timedelta(days=1))
manifest = open_artifact(first, "csv_recipes").manifest
print(json.dumps({
    "kinds": [*find_sources()],
    "recipes": [folder.name for folder in recipes],
    "ids": [folder.name for folder in (dumped, first, second, third, merged)],
    "place": str(first.relative_to(root)),
    "config": manifest.config,
    "inputs": open_artifact(merged, "catalog").manifest.inputs,
    "rows": [row for row in rows if row["source"] == "csv"],
    "others": len([row for row in rows if row["source"] != "csv"]),
    "quarantined": [row for row in quarantined if row["source"] == "csv"],
    "lines": lines,
    "kept": [artifact.id for artifact in kept.kept],
    "expired": [artifact.id for artifact in kept.expired],
    "unreadable": len(kept.unreadable),
    "found": found,
}, default=str))
"""
CSV = """id,title,ingredients,instructions
1,Kimchi Stew,1 invented cabbage;salt,Boil it.;Serve it.
2,,nothing,Nothing.
3,Invented Leek Pie,2 invented leeks,Bake it.
"""


def declaration_in_docs() -> str:
    text = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
    section = text.split("## Add a source\n")[1].split("\n## ")[0]
    assert section.count("\n") <= 25
    return section.split("```python\n")[1].split("```")[0]


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with one more package."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("mmpipeline", "tasks", "flows"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    package = tree / "mmpipeline" / "sources" / "csv_recipes"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "source.py").write_text(IMPORTS + declaration_in_docs(), encoding="utf-8")
    (package / "read.py").write_text(READER, encoding="utf-8")
    return tree


@pytest.fixture(scope="module")
def seen(extended: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of the further source, beside a dump of another one."""
    work = tmp_path_factory.mktemp("work")
    dump = work / "dump"
    write_recipe1m_dump(dump, SampleConfig(recipes=60))
    (work / "recipes.csv").write_text(CSV, encoding="utf-8")
    (work / "own.toml").write_text('[sources.csv_recipes.normalise]\nlanguage = "en"\n')
    places = (work / "data", work / "recipes.csv", dump, work / "own.toml")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPS, *map(str, places)],
        cwd=extended,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_further_source_is_found_and_its_recipes_are_an_artifact(seen: dict[str, Any]) -> None:
    assert sorted(seen["kinds"]) == sorted([*find_sources(), "csv_recipes"])
    _, first, *_ = seen["ids"]
    assert seen["place"] == f"interim/csv_recipes/{first}"
    assert seen["config"] == {"language": "en"}  # from the config file's own table


def test_a_further_source_is_in_the_catalogue_beside_another(seen: dict[str, Any]) -> None:
    dumped, first, *_ = seen["ids"]
    assert set(seen["recipes"]) == {dumped, first}
    assert seen["inputs"] == {"recipe1m": dumped, "csv_recipes": first}
    assert seen["others"] > 0
    rows = {row["recipe_id"]: row for row in seen["rows"]}
    assert set(rows) == {"csv:1", "csv:3"}
    assert rows["csv:1"]["dish"] == "kimchi-jjigae"
    assert {row["language"] for row in rows.values()} == {"en"}
    [bad] = seen["quarantined"]
    assert (bad["place"], bad["reason"]) == ("recipes.csv:3", "no_title")


def test_a_further_source_is_planned_with(seen: dict[str, Any]) -> None:
    _, first, *_, merged = seen["ids"]
    [own] = [line for line in seen["lines"] if line.startswith("csv_recipes ")]
    assert own.split() == ["csv_recipes", first, *("as", "of", "now;", "not", "asked")]
    [after] = [line for line in seen["lines"] if line.startswith("catalog ")]
    assert f"{merged}  done: made" in after


def test_a_further_source_is_kept_and_pruned_as_the_others(seen: dict[str, Any]) -> None:
    dumped, first, second, third, merged = seen["ids"]
    assert len({first, second, third}) == 3
    assert set(seen["kept"]) == {dumped, first, third, merged}  # the first is the catalogue's
    assert seen["expired"] == [second]
    assert seen["unreadable"] == 0
    assert seen["found"]["csv_recipes artifacts"] == "ok"


def test_the_command_knows_a_further_source(extended: Path, tmp_path: Path) -> None:
    typo = tmp_path / "typo.toml"
    typo.write_text("[sources.csv_recipes.normalise]\nlangauge = 'ko'\n")
    done = subprocess.run(
        [sys.executable, "-m", "flows", "--plan", "--config", str(typo)],
        cwd=extended,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "[sources.csv_recipes.normalise]: unknown key 'langauge'" in done.stderr
