from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pair_table import PairTable, read_pairs


@pytest.fixture
def table(world: SimpleNamespace) -> PairTable:
    return read_pairs(world.pairs / "pairs.parquet", FeatureSet.open(world.features), "train")


def write_pairs(folder: Path, sides: list[tuple[Any, Any, Any, Any, int]]) -> Path:
    names = ("left_image", "left_text", "right_image", "right_text")
    dishes = {"t:0001": "stew", "t:0002": "stew", "t:0003": "soup", "t:0004": None}
    rows = [
        dict(zip(names, side[:4], strict=True))
        | {f"{n}_dish": dishes.get(s) for n, s in zip(names, side[:4], strict=True)}
        | {"label": side[4], "split": "train"}
        for side in sides
    ]
    text = pa.string()
    schema = pa.schema(
        [(n, text) for n in names]
        + [(f"{n}_dish", text) for n in names]
        + [("label", pa.int8()), ("split", text)]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "pairs.parquet")
    return folder / "pairs.parquet"


def test_reads_the_split_as_row_numbers(world: SimpleNamespace, table: PairTable) -> None:
    source = pq.read_table(world.pairs / "pairs.parquet").to_pylist()
    source = [row for row in source if row["split"] == "train"]
    assert len(table) == len(source)
    assert table.dropped == 0
    for i in range(0, len(source), 37):
        for part in ("left_image", "left_text", "right_image", "right_text"):
            row = int(getattr(table, part)[i])
            assert (world.recipe_ids[row] if row >= 0 else None) == source[i][part]
        assert bool(table.label[i]) == bool(source[i]["label"])


def test_an_anchor_has_all_its_pairs(world: SimpleNamespace, table: PairTable) -> None:
    assert len(table.anchors) == len(set(table.anchors.tolist())) == world.split.count("train")
    owner = np.maximum(table.left_image, table.left_text)
    for i, anchor in enumerate(table.anchors):
        pairs = slice(table.anchor_bounds[i], table.anchor_bounds[i + 1])
        assert (owner[pairs] == anchor).all()


def test_dishes_are_read(world: SimpleNamespace, table: PairTable) -> None:
    seen = np.flatnonzero(table.dish >= 0)
    assert set(np.flatnonzero(np.array(world.split) == "train")) <= set(seen.tolist())
    assert len(set(zip(table.dish[seen].tolist(), world.dish[seen].tolist(), strict=True))) == 8


def test_pairs_that_features_do_not_bear_out_are_dropped_and_counted(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    # Recipe t:0000 has no photo: its photo part vanishes.
    path = write_pairs(
        tmp_path,
        [
            ("t:0000", None, None, "t:0000", 1),  # nothing left on the left
            ("t:0001", "t:0001", "t:0000", "t:0001", 0),  # only its own text left: no negative
            ("t:0001", "t:0001", "t:0001", "t:0001", 1),  # itself
            ("t:0001", "t:0001", "t:0003", "t:0003", 0),
        ],
    )
    table = read_pairs(path, FeatureSet.open(world.features), "train")
    assert (len(table), table.dropped) == (1, 3)
    assert table.anchor_bounds.tolist() == [0, 1]


def test_a_split_without_pairs_is_an_empty_table(world: SimpleNamespace) -> None:
    path = world.pairs / "pairs.parquet"
    table = read_pairs(path, FeatureSet.open(world.features), "test")
    assert len(table) == len(table.anchors) == 0


def test_a_recipe_that_the_features_lack_is_named(world: SimpleNamespace, tmp_path: Path) -> None:
    path = write_pairs(tmp_path, [("t:0001", None, None, "t:9999", 1)])
    with pytest.raises(ArtifactError, match="names recipe t:9999, which the features lack"):
        read_pairs(path, FeatureSet.open(world.features), "train")


def test_shuffling_makes_labels_and_pairs_say_nothing(table: PairTable) -> None:
    shuffled = table.shuffle_labels(1)
    assert sorted(shuffled.dish) == sorted(table.dish)
    assert np.array_equal(shuffled.anchors, table.anchors)
    assert shuffled.label.sum() == table.label.sum()

    def same_dish_share(pairs: PairTable, chosen: np.ndarray) -> float:
        left = table.dish[np.maximum(pairs.left_image, pairs.left_text)[chosen]]
        right = table.dish[np.maximum(pairs.right_image, pairs.right_text)[chosen]]
        return float((left == right).mean())

    assert same_dish_share(table, table.label) == 1.0
    assert same_dish_share(shuffled, shuffled.label) < 0.3  # chance is one in eight
