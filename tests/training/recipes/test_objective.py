from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional

from mmpipeline.config import LossName
from mmpipeline.training.recipes.objective import LOSSES, relate
from mmpipeline.training.recipes.source import RecipeBatch

NONE = [-1, -1]


def make_batch(shows_both: bool = True) -> RecipeBatch:
    """Recipes 0 and 1 of dish 7, 2 of dish 8, 3 without a label; photo of 7 with text of 8."""
    recipe = torch.tensor([0, 1, 2, 3, 0, 1, 2, 3, -1])
    dish = torch.tensor([7, 7, 8, -1, 7, 7, 8, -1, -1])
    mask = np.ones((9, 4), dtype=np.bool_)
    mask[:8, 0] = shows_both
    rows = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0])
    mixed = torch.tensor([NONE] * 8 + [[7, 8]])
    return RecipeBatch(rows, rows, mask, recipe, dish, mixed, recipes=4)


def test_views_of_a_recipe_belong_together_with_or_without_a_label() -> None:
    same_recipe, same_dish, ignored = relate(make_batch())
    assert same_recipe[0].nonzero().flatten().tolist() == [4]
    assert same_dish[0].nonzero().flatten().tolist() == [1, 4, 5]
    assert same_recipe[3].nonzero().flatten().tolist() == [7]
    assert not same_dish[3].any()
    assert ignored[:, :8].equal(torch.eye(8, dtype=torch.bool))


def test_a_mixed_item_is_wrong_only_for_views_that_show_both_sides() -> None:
    assert not relate(make_batch())[2][:, 8].any()
    ignored = relate(make_batch(shows_both=False))[2][:, 8]
    assert ignored.tolist() == [True, True, True, False] * 2  # unlabelled: of neither dish


def test_every_configured_loss_exists() -> None:
    assert set(get_args(LossName)) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_prefers_dishes_apart(name: str) -> None:
    batch = make_batch()
    places = torch.tensor([0, 0, 1, 2, 0, 0, 1, 2, 3])
    apart = functional.one_hot(places, 4).float()
    generator = torch.Generator().manual_seed(2)
    mixed_up = functional.normalize(torch.randn(9, 4, generator=generator), dim=1)
    good, bad = (LOSSES[name](vectors, batch, 0.1) for vectors in (apart, mixed_up))
    assert torch.isfinite(good)
    assert good < bad


@pytest.mark.parametrize("name", LOSSES)
def test_no_label_at_all_still_trains(name: str) -> None:
    batch = make_batch()
    batch.dish.fill_(-1)
    vectors = torch.randn(9, 4, requires_grad=True)
    loss = LOSSES[name](vectors, batch, 0.1)
    torch.autograd.backward(loss)
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()
    assert vectors.grad.any()
