from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmpipeline.errors import ArtifactError
from mmpipeline.evaluation.metrics.text_baseline import RecipeTexts, TfidfText

TEXTS = RecipeTexts({
    "title": ["kimchi stew", "tofu stew", "apple pie", ""],
    "ingredients": ["kimchi\npork", "tofu", "apple", ""],
    "instructions": ["Boil.", "Boil.", "Bake.", ""],
})
ALL = np.ones((4, 4), dtype=np.bool_)
ONE = slice(0, 1)


def test_shows_only_what_the_mask_shows() -> None:
    mask = np.array([[True, True, False, False], [True, False, True, True]])
    assert TEXTS.join(np.array([0, 1]), mask) == ["kimchi stew", "tofu\nBoil."]


def test_rare_words_weigh_more_than_common_ones() -> None:
    words = TfidfText(TEXTS, np.arange(4), ALL)
    title = np.array([[False, True, False, False]])
    scores = words.similarity(np.array([1]), title, np.arange(4))(ONE)
    assert scores.shape == (1, 4)
    assert scores.argmax() == 1
    assert scores[0, 0] > scores[0, 2] == 0  # "stew" is shared with the first alone
    both = words.similarity(np.array([0, 1]), np.repeat(title, 2, axis=0), np.arange(4))
    assert torch.equal(both(slice(1, 2)), scores)
    some = words.similarity(np.array([1]), title, np.array([2, 1]))(ONE)
    assert torch.equal(some, scores[:, [2, 1]])


def test_items_without_a_word_are_alike() -> None:
    words = TfidfText(TEXTS, np.array([3]), ALL[:1])
    assert words.similarity(np.array([0]), ALL[:1], np.array([0]))(ONE).tolist() == [[0.0]]


def test_reads_a_catalogue_in_the_order_asked(world: SimpleNamespace) -> None:
    texts = RecipeTexts.read(world.catalog, ["t:0011", "t:0000"])
    mask = np.array([[False, True, True, True]] * 2)
    assert texts.join(np.array([0, 1]), mask) == [
        "tofu by cook 11\ntofu\nBoil tofu.",
        "kimchi by cook 0\nkimchi\nBoil kimchi.",
    ]


def test_a_recipe_that_the_catalogue_lacks_is_named(world: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no recipe t:9999"):
        RecipeTexts.read(world.catalog, ["t:9999"])
