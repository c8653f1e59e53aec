"""Held-out recipes ask; what scores mean is measured on them alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.features import FeatureSet
from mmpipeline.models import load_model
from mmpipeline.schemas import CATALOG_SCHEMA
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.publish.calibration_queries import (
    CalibrationQueries,
    calibrate,
    embed_calibration_queries,
    load_calibration_queries,
    part_subsets,
)
from mmpipeline.storage import read_parquet


@pytest.fixture
def features(world: Path) -> FeatureSet:
    """Features of the world, of which twelve labelled recipes are now of the side val."""
    path = world / "catalog" / "recipes.parquet"
    table = read_parquet(path)
    dishes = table["dish"].to_pylist()
    sides = ["val" if dish and turn % 2 else "train" for turn, dish in enumerate(dishes)]
    place = table.schema.get_field_index("split")
    table = table.set_column(place, table.schema.field("split"), pa.array(sides))
    pq.write_table(table, path, write_page_checksum=True)
    return FeatureSet.open(world / "features")


@pytest.fixture
def questions(world: Path, features: FeatureSet) -> CalibrationQueries:
    return load_calibration_queries(world / "catalog", features, 100, 1)


def test_validation_recipes_with_a_label_ask(
    world: Path, features: FeatureSet, questions: CalibrationQueries
) -> None:
    rows = read_parquet(world / "catalog" / "recipes.parquet").to_pylist()
    expected = [turn for turn, row in enumerate(rows) if row["split"] == "val"]
    assert questions.rows.tolist() == expected
    assert questions.dish.tolist() == [rows[turn]["dish"] for turn in expected]
    few = load_calibration_queries(world / "catalog", features, 5, 1)
    assert len(few.rows) == 5
    assert set(few.rows) <= set(expected)
    assert (
        few.rows.tolist()
        == load_calibration_queries(world / "catalog", features, 5, 1).rows.tolist()
    )


def test_another_catalogue_is_refused(world: Path, features: FeatureSet) -> None:
    path = world / "catalog" / "recipes.parquet"
    pq.write_table(read_parquet(path).slice(1), path, write_page_checksum=True)
    with pytest.raises(ArtifactError, match="has 25 recipes"):
        load_calibration_queries(world / "catalog", features, 100, 1)


def test_questions_are_embedded_by_some_parts_alone(
    world: Path, features: FeatureSet, questions: CalibrationQueries
) -> None:
    model = load_model(world / "model")
    assert len(list(part_subsets())) == 15
    asking, vectors = embed_calibration_queries(model, features, questions, ("title",))
    assert vectors.shape == (len(asking), model.embedding_dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    both = embed_calibration_queries(model, features, questions, ("title", "image"))[1]
    assert np.abs(both - vectors).max() > 1e-3


def test_scores_are_calibrated_where_somebody_asks(
    world: Path, features: FeatureSet, questions: CalibrationQueries, index: SearchIndex
) -> None:
    model = load_model(world / "model")
    nobody = CalibrationQueries(questions.rows[:0], questions.dish[:0], questions.group[:0])
    assert calibrate(index._parts, model, features, nobody).to_json()["hits"] == {}
    fitted = calibrate(index._parts, model, features, questions)
    low, high = (fitted.hit_chance(("title",), score) for score in (0.0, 1.0))
    assert low is not None
    assert high is not None
    assert 0 <= low <= 1
    assert 0 <= high <= 1
    assert low != high


def test_recipes_that_link_sides_are_no_answers(
    world: Path, features: FeatureSet, questions: CalibrationQueries, index: SearchIndex
) -> None:
    path = world / "catalog" / "recipes.parquet"
    rows = read_parquet(path).to_pylist()
    links = [turn for turn, row in enumerate(rows) if row["split"] == "train"][::2]
    for turn in links:
        rows[turn]["split"] = "excluded"
    pq.write_table(pa.Table.from_pylist(rows, CATALOG_SCHEMA), path, write_page_checksum=True)
    linked = load_calibration_queries(world / "catalog", features, 100, 1)
    assert linked.excluded.to_pylist() == [rows[turn]["recipe_id"] for turn in links]
    assert linked.rows.tolist() == questions.rows.tolist()
    model = load_model(world / "model")
    others = [row["recipe_id"] for row in rows if row["split"] != "val"]
    alone = replace(
        linked, excluded=pa.array([*others, *(rows[t]["recipe_id"] for t in linked.rows)])
    )
    assert calibrate(index._parts, model, features, alone).to_json()["hits"] == {}
    some = calibrate(index._parts, model, features, linked).to_json()
    assert some != calibrate(index._parts, model, features, questions).to_json()
