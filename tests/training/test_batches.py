from types import SimpleNamespace

import numpy as np
import pytest

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.batches import PairBatches
from mmpipeline.training.pair_table import PairTable, read_pairs


@pytest.fixture
def table(world: SimpleNamespace) -> PairTable:
    return read_pairs(world.pairs / "pairs.parquet", FeatureSet.open(world.features), "train")


def test_an_epoch_holds_each_anchor_once_in_seeded_order(table: PairTable) -> None:
    batches = PairBatches(table, anchors_per_batch=20, seed=5)
    first = list(batches.epoch(1))
    assert len(first) == len(batches) == 5

    def owners(epoch: int) -> list[list[int]]:
        return [
            np.unique(np.maximum(b.image_rows, b.text_rows)[b.anchors.numpy()]).tolist()
            for b in batches.epoch(epoch)
        ]

    assert sorted(row for batch in owners(1) for row in batch) == sorted(table.anchors.tolist())
    assert owners(1) == owners(1)
    assert owners(1) != owners(2)


def test_masks_say_what_the_naive_loop_says(table: PairTable) -> None:
    anchors = np.array([3, 9, 40, 41, 80])
    batch = PairBatches(table, anchors_per_batch=5, seed=0).make_batch(anchors)
    items = list(zip(batch.image_rows.tolist(), batch.text_rows.tolist(), strict=True))
    assert len(set(items)) == len(items)
    labels: dict[tuple[tuple[int, int], tuple[int, int]], bool] = {}
    for anchor in anchors:
        for i in range(table.anchor_bounds[anchor], table.anchor_bounds[anchor + 1]):
            left = (int(table.left_image[i]), int(table.left_text[i]))
            right = (int(table.right_image[i]), int(table.right_text[i]))
            labels[left, right] = bool(table.label[i])
    lefts = {left for left, _ in labels}
    assert {items[i] for i in batch.anchors.tolist()} == lefts
    assert set(items) == lefts | {right for _, right in labels}
    for row, left_number in enumerate(batch.anchors.tolist()):
        left = items[left_number]
        for column, item in enumerate(items):
            label = labels.get((left, item))
            parts = [part for part in item if part >= 0]
            is_near = any(
                part == max(left) or table.dish[part] == table.dish[max(left)] for part in parts
            )
            assert bool(batch.positive[row, column]) == (label is True)
            assert bool(batch.ignored[row, column]) == (label is None and is_near)


def test_unlabelled_recipes_share_no_dish() -> None:
    nobody = np.full(2, -1, dtype=np.int32)
    recipes = np.arange(2, dtype=np.int32)
    table = PairTable(  # two unlabelled recipes, each with its own photo and own text
        left_image=recipes,
        left_text=nobody,
        right_image=nobody,
        right_text=recipes,
        label=np.ones(2, dtype=np.bool_),
        anchor_bounds=np.arange(3),
        dish=nobody,
        dropped=0,
    )
    batch = PairBatches(table, 2, 0).make_batch(np.array([0, 1]))
    owner = np.maximum(batch.image_rows, batch.text_rows)
    for row, left in enumerate(batch.anchors.tolist()):
        counted = batch.positive[row] | ~batch.ignored[row]
        assert owner[counted.numpy()].tolist().count(owner[left]) == 1  # its own text
        assert int(counted.sum()) == 3  # and both items of the other recipe


def test_presence_follows_the_parts(world: SimpleNamespace, table: PairTable) -> None:
    presence = FeatureSet.open(world.features).presence
    batch = PairBatches(table, 30, 0).make_batch(np.arange(30))
    shown = batch.presence(presence)
    assert shown.any(axis=1).all()
    for i in range(len(shown)):
        image, text = int(batch.image_rows[i]), int(batch.text_rows[i])
        assert shown[i, 0] == (image >= 0 and presence[image, 0])
        assert shown[i, 1:].tolist() == (presence[text, 1:].tolist() if text >= 0 else [False] * 3)
        assert batch.is_mixed[i] == (image >= 0 and text >= 0 and image != text)
