import pytest
import torch

from mmpipeline.losses.euclid_pair import euclid_pair_loss
from tests.losses.golden import (
    A_LABELS,
    B_LEFT,
    B_RIGHT,
    A,
    assert_finite_gradient,
    random_rows,
)

ITSELF = torch.eye(6, dtype=torch.bool)
POSITIVE = (A_LABELS[:, None] == A_LABELS[None, :]) & ~ITSELF


def test_golden_number_of_one_labelled_batch() -> None:
    assert float(euclid_pair_loss(A, A, POSITIVE, ITSELF)) == pytest.approx(0.776218, abs=1e-6)


def test_golden_number_of_two_sides() -> None:
    positive = torch.eye(3, dtype=torch.bool)
    loss = euclid_pair_loss(B_LEFT, B_RIGHT, positive, torch.zeros_like(positive))
    assert float(loss) == pytest.approx(0.534188, abs=1e-6)


def test_equals_the_naive_loop() -> None:
    left, right = random_rows(1, 4, 3), random_rows(2, 6, 3)
    generator = torch.Generator().manual_seed(0)
    positive = torch.rand(4, 6, generator=generator) < 0.4
    ignored = (torch.rand(4, 6, generator=generator) < 0.3) & ~positive
    halves: dict[bool, list[float]] = {True: [], False: []}
    for i in range(4):
        for j in range(6):
            distance = float((left[i] - right[j]).norm())
            if positive[i, j]:
                halves[True].append(distance**2)
            elif not ignored[i, j]:
                halves[False].append(max(0.0, 3.0 - distance) ** 2)
    expected = sum(sum(values) / len(values) for values in halves.values()) / 2
    loss = euclid_pair_loss(left, right, positive, ignored, margin=3.0)
    assert float(loss) == pytest.approx(expected)


def test_gradient_is_right() -> None:
    rows = (random_rows(3, 6, 4) / 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda r: euclid_pair_loss(r, r, POSITIVE, ITSELF), rows)


def test_moving_turning_and_ordering_change_nothing() -> None:
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    moved = A[order] @ torch.tensor([[0.6, 0.8], [-0.8, 0.6]], dtype=torch.float64) + 3.0
    torch.testing.assert_close(
        euclid_pair_loss(moved, moved, POSITIVE[order][:, order], ITSELF),
        euclid_pair_loss(A, A, POSITIVE, ITSELF),
    )


@pytest.mark.parametrize(("filled", "value"), [(True, 0.0), (False, 2.0)])
def test_equal_rows_and_a_missing_half_stay_finite(filled: bool, value: float) -> None:
    positive = torch.full((3, 3), filled)
    loss = assert_finite_gradient(
        lambda r: euclid_pair_loss(r, r, positive, torch.zeros_like(positive)), torch.ones(3, 2)
    )
    assert loss == pytest.approx(value, abs=1e-3)


def test_far_negatives_cost_nothing() -> None:
    rows, nothing = torch.tensor([[0.0], [5.0]]), torch.zeros(2, 2, dtype=torch.bool)
    assert float(euclid_pair_loss(rows, rows, nothing, torch.eye(2, dtype=torch.bool))) == 0.0


def test_masks_of_another_shape_are_an_error() -> None:
    with pytest.raises(ValueError, match="positive is"):
        euclid_pair_loss(A, A, POSITIVE[:, :5], ITSELF)
