from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.evaluation.suite.held_out import load_held_out
from mmpipeline.features.feature_set import FeatureSet


def rewrite(world: SimpleNamespace, folder: Path, **columns: list[str]) -> Path:
    table = world.table
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table, folder / "recipes.parquet")
    return folder


def test_test_recipes_ask_and_the_others_answer(world: SimpleNamespace) -> None:
    held_out = load_held_out(world.catalog, FeatureSet.open(world.features))
    split = np.array(world.table["split"].to_pylist())
    assert held_out.split == "test"
    assert not (held_out.is_query & held_out.is_item).any()
    assert held_out.is_item[split != "test"].all()
    assert not held_out.is_query[split != "test"].any()
    assert np.array_equal(held_out.is_bag, split == "test")


def test_half_of_a_dish_that_only_asks_is_enrolled(world: SimpleNamespace) -> None:
    held_out = load_held_out(world.catalog, FeatureSet.open(world.features))
    for code in np.unique(held_out.dish[~held_out.is_known & (held_out.dish >= 0)]):
        of_dish = held_out.dish == code
        assert held_out.is_item[of_dish].sum() == 4  # nine are labelled
        assert held_out.is_query[of_dish].sum() == 5


def test_copies_are_enrolled_together(world: SimpleNamespace, tmp_path: Path) -> None:
    groups = world.table["group_id"].to_pylist()
    groups[60:65] = ["g:same"] * 5
    catalog = rewrite(world, tmp_path, group_id=groups)
    held_out = load_held_out(catalog, FeatureSet.open(world.features))
    assert len(set(held_out.is_item[60:65].tolist())) == 1
    assert not set(held_out.group[held_out.is_item]) & set(held_out.group[held_out.is_query])


def test_val_asks_where_there_is_no_test(world: SimpleNamespace, tmp_path: Path) -> None:
    split = ["train" if s == "test" else s for s in world.table["split"].to_pylist()]
    held_out = load_held_out(rewrite(world, tmp_path, split=split), FeatureSet.open(world.features))
    assert held_out.split == "val"
    assert held_out.is_bag.sum() == split.count("val")


def test_nothing_held_out_is_an_error(world: SimpleNamespace, tmp_path: Path) -> None:
    catalog = rewrite(world, tmp_path, split=["train"] * world.table.num_rows)
    with pytest.raises(StageError, match="no test and no val recipes"):
        load_held_out(catalog, FeatureSet.open(world.features))


def test_features_of_another_catalogue_are_refused(world: SimpleNamespace, tmp_path: Path) -> None:
    table = world.table.filter(pc.not_equal(world.table["recipe_id"], "t:0005"))
    pq.write_table(table, tmp_path / "recipes.parquet")
    with pytest.raises(ArtifactError, match="the first t:0005"):
        load_held_out(tmp_path, FeatureSet.open(world.features))


def test_a_choice_on_val_never_sees_a_test_recipe(world: SimpleNamespace) -> None:
    held_out = load_held_out(world.catalog, FeatureSet.open(world.features), "val")
    split = np.array(world.table["split"].to_pylist())
    assert held_out.split == "val"
    assert not (held_out.is_item | held_out.is_query)[split == "test"].any()
    assert held_out.is_query.sum() == (split == "val").sum()
