"""A recipe that links sides of the split takes no part in any stage that learns or measures."""

from dataclasses import replace
from pathlib import Path

import pytest

from mmpipeline.config import FrozenSetConfig
from mmpipeline.evaluation.suite.frozen_set import count_trained_on, draw_recipes
from mmpipeline.evaluation.suite.held_out import load_held_out
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.pairs.report import read_report
from mmpipeline.schemas import Recipe
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.search.release.golden_queries import draw_golden_queries
from mmpipeline.storage import DataLayout, read_parquet
from mmpipeline.storage.segments import read_recipes
from mmpipeline.training.pairs.table import PairTable
from tests.history.refreshing import History
from tests.pairs.test_excluded import LINKS
from tests.pairs.tiny_catalog import varied_rows, write_catalog

pytestmark = pytest.mark.slow


def sides_of(catalog: Path) -> dict[str, str]:
    rows = read_recipes(catalog, ["recipe_id", "split"]).to_pylist()
    return {row["recipe_id"]: row["split"] for row in rows}


def correct(history: History, recipe: Recipe, other: Recipe) -> None:
    """Let a correction make one recipe a copy of another."""
    history.kitchen.put(
        replace(
            recipe,
            title=other.title,
            ingredients=other.ingredients,
            instructions=other.instructions,
            images=other.images,
        )
    )


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Refreshed twice: two train recipes became copies of one of val and one of test."""
    history = History(tmp_path_factory.mktemp("excluded"))
    history.refresh(retrain=True)
    assert history.catalog is not None
    sides = sides_of(history.catalog)
    whole = [r for r in history.kitchen.recipes.values() if r.instructions and r.images]
    first, second = [r for r in whole if sides[r.recipe_id] == "train"][:2]
    for recipe, side in ((first, "val"), (second, "test")):
        correct(history, recipe, next(r for r in whole if sides[r.recipe_id] == side))
    history.refresh(retrain=True)
    return history


@pytest.fixture
def excluded(history: History) -> set[str]:
    assert history.catalog is not None
    found = {name for name, side in sides_of(history.catalog).items() if side == "excluded"}
    assert len(found) == 2
    return found


def test_training_reads_none(history: History, excluded: set[str]) -> None:
    features = FeatureSet.open(history.made("features"))
    rows = [row for row, name in enumerate(features.recipe_ids) if name in excluded]
    for split in ("train", "val", "test"):
        table = PairTable.open(history.made("pairs-of-02-catalog"), features, split)
        assert not set(table.summary.anchors) & set(rows)
        assert (table.summary.dish[rows] == -1).all()
    report = read_report(history.made("pairs-of-02-catalog"))
    assert report["counts"]["excluded"] == 2


def test_evaluation_neither_asks_nor_finds_any(history: History, excluded: set[str]) -> None:
    assert history.catalog is not None
    features = FeatureSet.open(history.made("features"))
    rows = [row for row, name in enumerate(features.recipe_ids) if name in excluded]
    for wanted in ("test", "val"):
        held_out = load_held_out(history.catalog, features, wanted)
        for who in (held_out.is_query, held_out.is_item, held_out.is_bag, held_out.is_train):
            assert not who[rows].any()


def test_frozen_set_and_exam_hold_none(tmp_path: Path) -> None:
    rows = varied_rows(120, 4)
    catalog = write_catalog(tmp_path / "catalog", [*rows, *LINKS])
    without = write_catalog(tmp_path / "without", rows)
    links = {link.recipe_id for link in LINKS}
    for recipes in (8, 600):
        config = FrozenSetConfig(recipes=recipes)
        assert draw_recipes(catalog, config) == draw_recipes(without, config)
    exams = []
    for folder in (catalog, without):
        layout = DataLayout.at(tmp_path / f"data-{folder.name}")
        exams.append(read_parquet(draw_golden_queries(layout, folder, 200)))
    assert exams[0] == exams[1]
    assert not set(exams[0]["recipe_id"].to_pylist()) & links
    assert count_trained_on(catalog, catalog) == sum(row.split == "train" for row in rows)


def test_they_can_be_searched(history: History, excluded: set[str]) -> None:
    index = SearchIndex.open(history.layout, history.answering)
    found = index.search(Query(title="김치찌개"), len(index)).items
    assert excluded <= {hit.recipe_id for hit in found}


def test_the_quality_report_counts_them(history: History) -> None:
    assert history.catalog is not None
    page = (history.catalog / "quality.md").read_text(encoding="utf-8")
    assert "2 recipes are excluded: copies of recipes of different sides" in page
