import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pairs.reader import PARTS
from mmpipeline.training.pairs.table import PairTable
from tests.training.pair_files import write_copies, write_pairs


@pytest.fixture
def table(world: SimpleNamespace) -> PairTable:
    return PairTable.open(world.pairs, FeatureSet.open(world.features), "train")


def write_table(folder: Path, sides: list[tuple[Any, Any, Any, Any, int]]) -> Path:
    dishes = {"t:0001": "stew", "t:0002": "stew", "t:0003": "soup", "t:0004": None}
    rows = [
        dict(zip(PARTS, side[:4], strict=True))
        | {f"{n}_dish": dishes.get(s) for n, s in zip(PARTS, side[:4], strict=True)}
        | {"label": side[4], "split": "train"}
        for side in sides
    ]
    write_pairs(folder, rows)
    write_copies(folder, [])
    return folder


def test_reads_the_split_as_row_numbers(world: SimpleNamespace, table: PairTable) -> None:
    source = pq.read_table(world.pairs / "pairs.parquet").to_pylist()
    source = [row for row in source if row["split"] == "train"]
    block = table.block(0)
    assert table.blocks == 1
    assert len(table) == len(block) == len(source)
    assert table.summary.dropped == block.dropped == 0
    assert table.summary.positives == sum(row["label"] for row in source)
    for i in range(0, len(source), 37):
        for part in PARTS:
            row = int(getattr(block, part)[i])
            assert (world.recipe_ids[row] if row >= 0 else None) == source[i][part]
        assert bool(block.label[i]) == bool(source[i]["label"])


def test_an_anchor_has_all_its_pairs(world: SimpleNamespace, table: PairTable) -> None:
    block = table.block(0)
    assert table.summary.anchors.tolist() == block.anchors.tolist()
    assert len(block.anchors) == len(set(block.anchors.tolist())) == world.split.count("train")
    owner = np.maximum(block.left_image, block.left_text)
    for i, anchor in enumerate(block.anchors):
        pairs = slice(block.anchor_bounds[i], block.anchor_bounds[i + 1])
        assert (owner[pairs] == anchor).all()


def test_dishes_are_read(world: SimpleNamespace, table: PairTable) -> None:
    dish = table.summary.dish
    seen = np.flatnonzero(dish >= 0)
    assert set(np.flatnonzero(np.array(world.split) == "train")) <= set(seen.tolist())
    assert len(set(zip(dish[seen].tolist(), world.dish[seen].tolist(), strict=True))) == 8


def test_row_groups_hold_what_the_whole_holds(
    world: SimpleNamespace, table: PairTable, tmp_path: Path
) -> None:
    rows = pq.read_table(world.pairs / "pairs.parquet").to_pylist()
    rows.sort(key=lambda row: row["split"])  # stable: val pairs come last, in groups of their own
    for row in rows:
        row["weight"] = 1.0 + int((row["left_text"] or row["left_image"])[-1])
    write_pairs(tmp_path, rows, group_rows=64)
    write_copies(tmp_path, [("t:0003", "t:0002"), ("t:0002", "t:0002"), ("t:9999", "t:9998")])
    cut = PairTable.open(tmp_path, FeatureSet.open(world.features), "train")
    assert cut.blocks > 3
    assert cut.blocks < pq.ParquetFile(tmp_path / "pairs.parquet").num_row_groups
    blocks = [cut.block(number) for number in range(cut.blocks)]
    assert sum(map(len, blocks)) == len(cut) == len(table)
    assert cut.summary.block_bounds.tolist()[-1] == sum(len(b.weight) for b in blocks)
    assert cut.summary.weight.tolist() == [w for b in blocks for w in b.weight.tolist()]
    assert cut.summary.weight.tolist() == [1.0 + row % 10 for row in cut.summary.anchors.tolist()]
    copied = np.flatnonzero(cut.summary.copies >= 0)
    assert copied.tolist() == [2, 3]
    assert len(set(cut.summary.copies[copied].tolist())) == 1


def test_pairs_that_features_do_not_bear_out_are_dropped_and_counted(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    # Recipe t:0000 has no photo: its photo part vanishes.
    folder = write_table(
        tmp_path,
        [
            ("t:0000", None, None, "t:0000", 1),  # nothing left on the left
            ("t:0001", "t:0001", "t:0000", "t:0001", 0),  # only its own text left: no negative
            ("t:0001", "t:0001", "t:0001", "t:0001", 1),  # itself
            ("t:0001", "t:0001", "t:0003", "t:0003", 0),
        ],
    )
    table = PairTable.open(folder, FeatureSet.open(world.features), "train")
    assert (len(table), table.summary.dropped) == (1, 3)
    assert table.block(0).anchor_bounds.tolist() == [0, 1]


def test_a_split_without_pairs_is_an_empty_table(world: SimpleNamespace) -> None:
    table = PairTable.open(world.pairs, FeatureSet.open(world.features), "test")
    assert len(table) == len(table.summary.anchors) == 0


def test_a_recipe_that_the_features_lack_is_named(world: SimpleNamespace, tmp_path: Path) -> None:
    folder = write_table(tmp_path, [("t:0001", None, None, "t:9999", 1)])
    with pytest.raises(ArtifactError, match="names recipe t:9999, which the features lack"):
        PairTable.open(folder, FeatureSet.open(world.features), "train")


def test_missing_and_damaged_files_are_named(world: SimpleNamespace, tmp_path: Path) -> None:
    features = FeatureSet.open(world.features)
    with pytest.raises(ArtifactError, match=r"copies\.parquet cannot be read"):
        PairTable.open(tmp_path, features, "train")
    shutil.copy(world.pairs / "copies.parquet", tmp_path)
    with pytest.raises(ArtifactError, match=r"pairs\.parquet cannot be read"):
        PairTable.open(tmp_path, features, "train")
    pq.write_table(
        pq.read_table(world.pairs / "pairs.parquet"),
        tmp_path / "pairs.parquet",
        write_page_checksum=True,
    )
    content = bytearray((tmp_path / "pairs.parquet").read_bytes())
    content[200] ^= 1
    (tmp_path / "pairs.parquet").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"cannot be read \(row group 0\)"):
        PairTable.open(tmp_path, features, "train")
