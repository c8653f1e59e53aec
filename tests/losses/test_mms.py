import math

import pytest
import torch

from mmpipeline.losses.mms import mms_loss
from tests.losses.golden import B_LEFT, B_RIGHT, assert_finite_gradient, random_rows


def test_golden_number() -> None:
    assert float(mms_loss(B_LEFT, B_RIGHT)) == pytest.approx(1.496979, abs=1e-6)


def test_equals_the_naive_loop() -> None:
    left, right = random_rows(1, 4, 3), random_rows(2, 4, 3)
    ignored = torch.rand(4, 4, generator=torch.Generator().manual_seed(0)) < 0.4
    expected = 0.0
    for there, back, mask in ((left, right, ignored), (right, left, ignored.T)):
        for i in range(4):
            partner = math.exp(float(there[i] @ back[i]) - 0.2)
            total = partner + sum(
                math.exp(float(there[i] @ back[j])) for j in range(4) if j != i and not mask[i, j]
            )
            expected -= math.log(partner / total) / 4
    assert float(mms_loss(left, right, 0.2, ignored)) == pytest.approx(expected)


def test_gradient_is_right() -> None:
    left, right = random_rows(1, 3, 2).requires_grad_(), random_rows(2, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(mms_loss, (left, right))


def test_order_and_exchange_of_sides_change_nothing_but_length_does() -> None:
    order = torch.tensor([2, 0, 1])
    expected = mms_loss(B_LEFT, B_RIGHT)
    torch.testing.assert_close(mms_loss(B_LEFT[order], B_RIGHT[order]), expected)
    torch.testing.assert_close(mms_loss(B_RIGHT, B_LEFT), expected)
    assert float(mms_loss(2 * B_LEFT, B_RIGHT)) != pytest.approx(float(expected))


def test_equal_rows_have_a_closed_form() -> None:
    value = assert_finite_gradient(
        lambda r: mms_loss(r, r, margin=0.0), torch.ones(4, 3, dtype=torch.float64)
    )
    assert value == pytest.approx(2 * math.log(4))


@pytest.mark.parametrize("rows", [0, 1])
def test_without_negatives_the_loss_is_zero(rows: int) -> None:
    assert float(mms_loss(B_LEFT[:rows], B_RIGHT[:rows])) == pytest.approx(0.0, abs=1e-12)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected that of left"):
        mms_loss(B_LEFT, B_RIGHT[:2])
    with pytest.raises(ValueError, match=r"ignored is torch\.float32"):
        mms_loss(B_LEFT, B_RIGHT, ignored=torch.zeros(3, 3))
