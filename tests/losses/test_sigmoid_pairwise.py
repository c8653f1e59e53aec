import math

import pytest
import torch

from mmpipeline.losses.sigmoid_pairwise import sigmoid_pairwise_loss
from tests.losses.golden import B_LEFT, B_RIGHT, assert_finite_gradient, cosine, random_rows

PARTNER = torch.eye(3, dtype=torch.bool)


def test_golden_number() -> None:
    assert float(sigmoid_pairwise_loss(B_LEFT, B_RIGHT, PARTNER)) == pytest.approx(
        1.016801, abs=1e-6
    )


def test_equals_the_naive_loop_with_any_number_of_positives() -> None:
    left, right = random_rows(1, 4, 3), random_rows(2, 5, 3)
    generator = torch.Generator().manual_seed(0)
    positive = torch.rand(4, 5, generator=generator) < 0.4
    ignored = torch.rand(4, 5, generator=generator) < 0.3
    expected = 0.0
    for i in range(4):
        for j in range(5):
            logit = cosine(left[i], right[j]) / 0.2 - 3.0
            signed = logit if positive[i, j] else -logit
            if not ignored[i, j]:
                expected += math.log1p(math.exp(-signed)) / 4
    loss = sigmoid_pairwise_loss(left, right, positive, ignored, 0.2, -3.0)
    assert float(loss) == pytest.approx(expected)


def test_gradient_is_right_also_of_scale_and_bias() -> None:
    left, right = random_rows(1, 3, 2).requires_grad_(), random_rows(2, 3, 2).requires_grad_()
    temperature = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda a, b, t, c: sigmoid_pairwise_loss(a, b, PARTNER, None, t, c),
        (left, right, temperature, bias),
    )


def test_order_and_scale_change_nothing() -> None:
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(
        sigmoid_pairwise_loss(4 * B_LEFT[order], 0.1 * B_RIGHT, PARTNER[order]),
        sigmoid_pairwise_loss(B_LEFT, B_RIGHT, PARTNER),
    )


@pytest.mark.parametrize("filled", [True, False])
def test_equal_rows_have_a_closed_form(filled: bool) -> None:
    positive = torch.full((3, 3), filled)
    value = assert_finite_gradient(
        lambda r: sigmoid_pairwise_loss(r, r, positive, None, 1.0, 0.0), torch.ones(3, 2)
    )
    assert value == pytest.approx(3 * math.log1p(math.exp(-1.0 if filled else 1.0)), rel=1e-6)


def test_no_rows_give_zero() -> None:
    assert float(sigmoid_pairwise_loss(B_LEFT[:0], B_RIGHT, PARTNER[:0])) == 0.0


def test_masks_of_another_shape_are_an_error() -> None:
    with pytest.raises(ValueError, match="positive is"):
        sigmoid_pairwise_loss(B_LEFT, B_RIGHT, PARTNER[:2])
