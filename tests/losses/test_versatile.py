import math

import pytest
import torch
from torch import Tensor

from mmpipeline.losses.mil_nce import mil_nce_loss
from mmpipeline.losses.versatile import versatile_loss
from tests.losses.golden import assert_finite_gradient, random_rows

ALL = torch.ones(4, 3, dtype=torch.bool)
FINE = (random_rows(1, 4, 3), random_rows(2, 4, 3))
COARSE = (random_rows(3, 4, 2), random_rows(4, 4, 2))
PARTNER = torch.eye(4, dtype=torch.bool)


def term(left: Tensor, right: Tensor, positive: Tensor) -> float:
    return float(mil_nce_loss(left, right, positive, both_directions=True))


def test_is_the_weighted_sum_of_its_terms() -> None:
    positive = PARTNER | PARTNER.roll(1, dims=1)
    loss = versatile_loss(FINE, COARSE, ALL, weights=(0.5, 2.0), positive=positive)
    expected = 0.5 * term(*FINE, PARTNER) + 2.0 * term(*COARSE, positive)
    assert float(loss) == pytest.approx(expected)


def test_equal_rows_have_a_closed_form() -> None:
    rows = torch.ones(4, 2, dtype=torch.float64)
    value = assert_finite_gradient(lambda r: versatile_loss((r, r), (r, r), ALL), rows)
    assert value == pytest.approx(2 * math.log(7))  # one positive, three negatives each way


def test_an_item_that_lacks_a_modality_is_out_of_its_terms() -> None:
    presence = ALL.clone()
    presence[1, 1] = presence[2, 2] = False
    fine = (FINE[0], torch.where(presence[:, 1, None], FINE[1], float("nan")))
    coarse = (COARSE[0], torch.where(presence[:, 2, None], COARSE[1], float("nan")))
    has_both, has_text = [0, 2, 3], [0, 1, 3]
    expected = term(FINE[0][has_both], FINE[1][has_both], torch.eye(3, dtype=torch.bool)) + term(
        COARSE[0][has_text], COARSE[1][has_text], torch.eye(3, dtype=torch.bool)
    )
    assert float(versatile_loss(fine, coarse, presence)) == pytest.approx(expected)


def test_a_term_keeps_its_weight_however_few_items_have_it() -> None:
    rows = torch.ones(4, 2, dtype=torch.float64)
    presence = ALL.clone()
    presence[2:, 1] = False
    loss = versatile_loss((rows, rows), (rows, rows), presence)
    assert float(loss) == pytest.approx(math.log(3) + math.log(7))


def test_a_term_without_an_item_is_zero() -> None:
    presence = torch.tensor([[True, False, False]] * 4)
    value = assert_finite_gradient(
        lambda r: versatile_loss((r, FINE[1]), COARSE, presence), FINE[0]
    )
    assert value == 0.0


def test_gradient_is_right() -> None:
    left, right = FINE[0].clone().requires_grad_(), COARSE[1].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, t: versatile_loss((a, FINE[1]), (COARSE[0], t), ALL, temperature=0.5),
        (left, right),
    )


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"expected bool of shape \(B, 3\)"):
        versatile_loss(FINE, COARSE, ALL[:, :2])
    with pytest.raises(ValueError, match=r"fine \(4, 4\)"):
        versatile_loss(FINE, COARSE, ALL[:3])
