import math

import pytest
import torch
from torch import Tensor

from mmpipeline.losses.info_nce import info_nce_loss
from mmpipeline.losses.mil_nce import mil_nce_loss
from tests.losses.golden import D_POSITIVE, D, assert_finite_gradient, cosine, random_rows

LEFT = torch.eye(2, 3, dtype=torch.float64)
RIGHT = torch.cat([D, (1 - D.square().sum(dim=0, keepdim=True)).sqrt()]).T  # cosines with LEFT: D


@pytest.mark.parametrize(
    ("temperature", "value", "tolerance"),
    [(0.07, 0.00011741, 1e-8), (0.07, 0.000117, 1e-6), (1.0, 0.419898, 1e-6)],
)
def test_golden_numbers(temperature: float, value: float, tolerance: float) -> None:
    loss = mil_nce_loss(LEFT, RIGHT, D_POSITIVE, temperature=temperature)
    assert float(loss) == pytest.approx(value, abs=tolerance)


def naive_loss(left: Tensor, right: Tensor, masks: tuple[Tensor, Tensor], both: bool) -> float:
    positive, ignored = masks
    share = [[math.exp(cosine(a, b) / 0.5) for b in right] for a in left]
    losses = []
    for i in range(len(left)):
        chosen = [j for j in range(len(right)) if positive[i, j]]
        if not chosen:
            continue
        above = sum(share[i][j] for j in chosen)
        below = above + sum(
            share[i][j] for j in range(len(right)) if not positive[i, j] and not ignored[i, j]
        )
        if both:
            below += sum(
                share[k][j]
                for k in range(len(left))
                for j in chosen
                if not positive[k, j] and not ignored[k, j]
            )
        losses.append(-math.log(above / below))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("both", [False, True])
def test_equals_the_naive_loop(both: bool) -> None:
    left, right = random_rows(1, 5, 3), random_rows(2, 6, 3)
    generator = torch.Generator().manual_seed(0)
    positive = torch.rand(5, 6, generator=generator) < 0.3
    positive[4] = False
    ignored = (torch.rand(5, 6, generator=generator) < 0.3) & ~positive
    loss = mil_nce_loss(left, right, positive, ignored, 0.5, both_directions=both)
    assert float(loss) == pytest.approx(naive_loss(left, right, (positive, ignored), both))


def test_with_one_positive_a_row_it_is_half_of_info_nce() -> None:
    left, right = random_rows(1, 5, 3), random_rows(2, 5, 3)
    partner = torch.eye(5, dtype=torch.bool)
    there = mil_nce_loss(left, right, partner, temperature=0.3)
    back = mil_nce_loss(right, left, partner, temperature=0.3)
    torch.testing.assert_close((there + back) / 2, info_nce_loss(left, right, 0.3))


@pytest.mark.parametrize("both", [False, True])
def test_gradient_is_right(both: bool) -> None:
    left, right = random_rows(1, 3, 2).requires_grad_(), random_rows(2, 4, 2).requires_grad_()
    positive = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=torch.bool)
    assert torch.autograd.gradcheck(
        lambda a, b: mil_nce_loss(a, b, positive, None, 0.5, both), (left, right)
    )


def test_order_and_scale_change_nothing() -> None:
    rows, columns = torch.tensor([1, 0]), torch.tensor([3, 1, 0, 2])
    torch.testing.assert_close(
        mil_nce_loss(5 * LEFT[rows], 2 * RIGHT[columns], D_POSITIVE[rows][:, columns]),
        mil_nce_loss(LEFT, RIGHT, D_POSITIVE),
    )


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("filled", [True, False])
def test_equal_rows_that_are_all_or_none_right_cost_nothing(filled: bool, both: bool) -> None:
    positive = torch.full((3, 3), filled)
    value = assert_finite_gradient(
        lambda r: mil_nce_loss(r, r, positive, both_directions=both), torch.ones(3, 2)
    )
    assert value == pytest.approx(0.0, abs=1e-6)


def test_masks_of_another_shape_are_an_error() -> None:
    with pytest.raises(ValueError, match="positive is"):
        mil_nce_loss(LEFT, RIGHT, D_POSITIVE[:, :3])
