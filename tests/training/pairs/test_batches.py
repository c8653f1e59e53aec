from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.errors import StageError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pairs.batches import PairBatch, PairBatches
from mmpipeline.training.pairs.table import PairTable
from tests.training.pair_files import write_copies, write_pairs

Change = Callable[[dict], None]


@pytest.fixture
def table(world: SimpleNamespace) -> PairTable:
    return PairTable.open(world.pairs, FeatureSet.open(world.features), "train")


@pytest.fixture(scope="module")
def cut(world: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> PairTable:
    """The same pairs in row groups of four anchors or less."""
    folder = tmp_path_factory.mktemp("cut")
    rows = pq.read_table(world.pairs / "pairs.parquet").to_pylist()
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(row["left_text"], []).append(row)
    file = pq.read_table(world.pairs / "pairs.parquet")
    with pq.ParquetWriter(folder / "pairs.parquet", file.schema) as writer:
        bounds = np.flatnonzero(np.append(_owners(file) != np.roll(_owners(file), 1), True))
        for start, stop in zip(bounds[::4], np.append(bounds[4::4], len(rows)), strict=False):
            writer.write_table(file.slice(start, stop - start))
    write_copies(folder, [])
    return PairTable.open(folder, FeatureSet.open(world.features), "train")


def _owners(file: "pq.pa.Table") -> np.ndarray:
    return np.array([
        image or text
        for image, text in zip(
            file["left_image"].to_pylist(), file["left_text"].to_pylist(), strict=True
        )
    ])


def owners(batch: PairBatch) -> list[int]:
    """The recipes that a batch's anchors are of."""
    rows = np.maximum(batch.image_rows, batch.text_rows)
    return np.unique(rows[batch.anchors.numpy()]).tolist()


def same(one: PairBatch, other: PairBatch) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("image_rows", "text_rows", "anchors", "positive", "ignored")
    )


def test_an_epoch_holds_each_anchor_once_in_seeded_order(table: PairTable) -> None:
    batches = PairBatches(table, anchors_per_batch=20, seed=5)

    def epoch(number: int) -> list[list[int]]:
        return [owners(batch) for batch in batches.epoch(number)]

    first = epoch(1)
    assert len(first) == len(batches) == 5
    assert sorted(row for batch in first for row in batch) == sorted(table.summary.anchors)
    assert first == epoch(1)
    assert first != epoch(2)
    assert first != [owners(batch) for batch in PairBatches(table, 20, seed=6).epoch(1)]


@given(size=st.integers(2, 9), per_dish=st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_an_epoch_over_row_groups_holds_every_anchor(
    cut: PairTable, size: int, per_dish: int
) -> None:
    batches = PairBatches(cut, size, 1, per_dish)
    whole = [owners(batch) for batch in batches.epoch(3)]
    assert len(whole) == len(batches)
    assert {row for batch in whole for row in batch} == set(cut.summary.anchors.tolist())
    if per_dish == 1:
        assert Counter(row for b in whole for row in b) == Counter(cut.summary.anchors.tolist())


def test_a_stopped_epoch_goes_on_with_the_same_batches(cut: PairTable) -> None:
    whole = list(PairBatches(cut, 5, 4, 2).epoch(2))
    following = list(PairBatches(cut, 5, 4, 2).epoch(3))
    assert len(whole) > 5
    for stop in range(len(whole) + 1):
        first = PairBatches(cut, 5, 4, 2)
        running = first.epoch(2)
        seen = [next(running) for _ in range(stop)]
        state = first.state_dict()
        assert all(type(value) is int for value in state.values())
        second = PairBatches(cut, 5, 4, 2)
        second.load_state_dict(state)
        rest = list(second.epoch(2)) if stop else whole
        assert len(seen) + len(rest) == len(whole)
        assert all(map(same, [*seen, *rest], whole))
        assert all(map(same, second.epoch(3), following))


def test_a_state_of_other_pairs_is_refused(table: PairTable) -> None:
    state = PairBatches(table, 20, 0).state_dict()
    with pytest.raises(StageError, match="5 batches an epoch, this loader has 9"):
        PairBatches(table, 10, 0).load_state_dict(state)


def test_batches_are_balanced_over_dishes(table: PairTable) -> None:
    batches = PairBatches(table, anchors_per_batch=12, seed=3, anchors_per_dish=3)
    for batch in batches.epoch(1):
        dishes = Counter(table.summary.dish[owners(batch)].tolist())
        assert len(dishes) in {3, 4}  # 8 dishes of 11 anchors: 32 chunks in 8 batches
        assert set(dishes.values()) == {3}


def test_weights_decide_how_often_anchors_are_drawn(world: SimpleNamespace, tmp_path: Path) -> None:
    rows = pq.read_table(world.pairs / "pairs.parquet").to_pylist()
    for row in rows:
        dish = row["left_text_dish"] or row["left_image_dish"]
        row["weight"] = 4.0 if dish == "dish-0" else 4 / 7
    write_pairs(tmp_path, rows)
    write_copies(tmp_path, [])
    table = PairTable.open(tmp_path, FeatureSet.open(world.features), "train")
    batches = PairBatches(table, anchors_per_batch=8, seed=3)
    drawn = Counter(row for epoch in range(14) for b in batches.epoch(epoch) for row in owners(b))
    by_dish = Counter[int]()
    for row, times in drawn.items():
        by_dish[int(world.dish[row])] += times
    assert by_dish[0] == 14 * 44  # four times its 11 anchors
    assert sum(by_dish.values()) == 14 * 88
    assert all(14 * 6 <= by_dish[dish] <= 14 * 7 for dish in range(1, 8))
    assert set(drawn) == set(table.summary.anchors.tolist())  # who misses one epoch has the next
    assert {drawn[row] for row in drawn if world.dish[row] == 0} == {56}


def test_masks_say_what_the_naive_loop_says(world: SimpleNamespace, tmp_path: Path) -> None:
    rows = pq.read_table(world.pairs / "pairs.parquet").to_pylist()
    write_pairs(tmp_path, rows)
    group = {3: 0, 16: 0, 17: 0, 40: 1, 80: 1}
    write_copies(tmp_path, [(world.recipe_ids[row], str(code)) for row, code in group.items()])
    table = PairTable.open(tmp_path, FeatureSet.open(world.features), "train")
    for per_dish in (1, 2):
        batches = PairBatches(table, 5, 0, per_dish)
        batch = batches.make_batch(table.block(0), np.array([3, 4, 9, 40, 41, 80]))
        check_masks(table, batch, group, per_dish > 1)


def check_masks(
    table: PairTable, batch: PairBatch, group: dict[int, int], takes_dish: bool
) -> None:
    block, dish = table.block(0), table.summary.dish
    items = list(zip(batch.image_rows.tolist(), batch.text_rows.tolist(), strict=True))
    assert len(set(items)) == len(items)
    listed: dict[tuple[tuple[int, int], tuple[int, int]], bool] = {}
    chosen = owners(batch)
    for i in range(len(block)):
        left = (int(block.left_image[i]), int(block.left_text[i]))
        right = (int(block.right_image[i]), int(block.right_text[i]))
        if max(left) in chosen:
            listed[left, right] = bool(block.label[i])
    lefts = {left for left, _ in listed}
    assert {items[i] for i in batch.anchors.tolist()} == lefts
    assert set(items) == lefts | {right for _, right in listed}
    has_copy = False
    for row, left_number in enumerate(batch.anchors.tolist()):
        left = items[left_number]
        own = max(left)
        for column, item in enumerate(items):
            label = listed.get((left, item))
            parts = [part for part in item if part >= 0]
            copies = [p == own or (p in group and group[p] == group.get(own)) for p in parts]
            same_group = [dish[p] == dish[own] for p in parts]
            positive = label is True or (
                takes_dish and label is None and all(same_group) and not any(copies)
            )
            ignored = label is None and not positive and (any(same_group) or any(copies))
            assert bool(batch.positive[row, column]) == positive
            assert bool(batch.ignored[row, column]) == ignored
            has_copy |= label is None and any(copies) and not any(same_group)
    assert has_copy


def test_unlabelled_recipes_share_no_dish(world: SimpleNamespace, tmp_path: Path) -> None:
    own = [(1, None, None, 1), (2, None, None, 2)]  # each its own photo and its own text
    names = ("left_image", "left_text", "right_image", "right_text")
    rows = [
        {n: None if s is None else world.recipe_ids[s] for n, s in zip(names, side, strict=True)}
        | {"label": 1, "split": "train"}
        for side in own
    ]
    write_pairs(tmp_path, rows)
    write_copies(tmp_path, [])
    table = PairTable.open(tmp_path, FeatureSet.open(world.features), "train")
    batch = PairBatches(table, 2, 0, 2).make_batch(table.block(0), np.array([0, 1]))
    owner = np.maximum(batch.image_rows, batch.text_rows)
    for row, left in enumerate(batch.anchors.tolist()):
        counted = batch.positive[row] | ~batch.ignored[row]
        assert owner[counted.numpy()].tolist().count(owner[left]) == 1  # its own text
        assert int(counted.sum()) == 3  # and both items of the other recipe
    assert torch.equal(batch.positive.sum(dim=1), torch.ones(2))


def test_presence_follows_the_parts(world: SimpleNamespace, table: PairTable) -> None:
    presence = FeatureSet.open(world.features).presence
    batch = PairBatches(table, 30, 0).make_batch(table.block(0), np.arange(30))
    shown = batch.presence(presence)
    assert shown.any(axis=1).all()
    for i in range(len(shown)):
        image, text = int(batch.image_rows[i]), int(batch.text_rows[i])
        assert shown[i, 0] == (image >= 0 and presence[image, 0])
        assert shown[i, 1:].tolist() == (presence[text, 1:].tolist() if text >= 0 else [False] * 3)
        assert batch.is_mixed[i] == (image >= 0 and text >= 0 and image != text)
