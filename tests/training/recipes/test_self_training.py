from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pairs.table import PairTable
from mmpipeline.training.recipes import self_training
from mmpipeline.training.recipes.self_training import propose_labels, read_languages

# Dish 0 in both languages, 1 in Korean, 2 in English at the same place as 1; two unlabelled.
PLACES = [
    [1.0, 0, 0],
    [1, 0.1, 0],
    [0, 1, 0],
    [0, 1, 0.1],
    [0, 1, 0.05],
    [0.9, 0.1, 0],
    [0.5, 0.5, 0.5],
]
VECTORS = functional.normalize(torch.tensor(PLACES), dim=1)
DISH = np.array([0, 0, 1, 2, 2, -1, -1, -1, 1], dtype=np.int32)  # the last two do not train
ROWS = np.arange(7, dtype=np.int32)
SPEAKS = np.array([0, 1, 0, 1, 1, 0, 1], dtype=np.int8)


def test_the_surest_get_the_nearest_dish() -> None:
    proposals = propose_labels(VECTORS, ROWS, DISH, SPEAKS, share=0.5)
    assert proposals.labelled == 1
    assert proposals.dish[5] == 0
    assert proposals.dish[6] == -1  # between all
    assert proposals.dish[7] == -1
    assert propose_labels(VECTORS, ROWS, DISH, SPEAKS, share=1.0).dish[6] >= 0


def test_never_more_are_guessed_than_are_given() -> None:
    dish = np.full(9, -1, dtype=np.int32)
    dish[:2] = 0, 1
    proposals = propose_labels(VECTORS, ROWS, dish, SPEAKS, share=1.0)
    assert proposals.labelled == 2
    assert (proposals.dish >= 0).sum() == 4


def test_blocks_of_recipes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = propose_labels(VECTORS, ROWS, DISH, SPEAKS, share=1.0)
    monkeypatch.setattr(self_training, "BLOCK_ROWS", 1)
    assert propose_labels(VECTORS, ROWS, DISH, SPEAKS, share=1.0).dish.tolist() == (
        whole.dish.tolist()
    )


def test_dishes_of_one_language_each_are_joined_when_they_are_nearest() -> None:
    proposals = propose_labels(VECTORS, ROWS, DISH, SPEAKS, share=0.0)
    assert proposals.joined == 1
    assert proposals.dish.tolist() == [0, 0, 1, 1, 1, -1, -1, -1, 1]


def test_dishes_of_one_language_stay_apart() -> None:
    proposals = propose_labels(VECTORS, ROWS, DISH, np.zeros(7, dtype=np.int8), share=0.0)
    assert proposals.joined == 0
    assert np.array_equal(proposals.dish, DISH)


def test_without_a_label_there_is_nothing_to_propose() -> None:
    nothing = np.full(9, -1, dtype=np.int32)
    proposals = propose_labels(VECTORS, ROWS, nothing, SPEAKS, share=1.0)
    assert (proposals.labelled, proposals.joined) == (0, 0)
    assert np.array_equal(proposals.dish, nothing)


def test_reads_the_language_of_the_left_side(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    rows = PairTable.open(world.pairs, features, "train").summary.anchors
    speaks = read_languages(world.pairs, features.recipe_ids, rows)
    assert speaks.dtype == np.int8
    assert (speaks == 0).all()  # all are Korean
