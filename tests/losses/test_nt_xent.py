import math

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss

from mmpipeline.losses.nt_xent import nt_xent_loss
from tests.losses.golden import B_LEFT, B_RIGHT, assert_finite_gradient, cosine, random_rows


@pytest.mark.parametrize(
    ("temperature", "value"), [(0.1, 0.341068), (0.5, 0.891123), (1.0, 1.165899)]
)
def test_golden_numbers(temperature: float, value: float) -> None:
    loss = nt_xent_loss(B_LEFT, B_RIGHT, temperature)
    assert float(loss) == pytest.approx(value, abs=1e-6)


def test_equals_the_naive_loop_with_possible_false_negatives() -> None:
    first, second = random_rows(1, 5, 3), random_rows(2, 5, 3)
    labels = [0, 1, 0, 2, 1]
    rows, owner = [*first, *second], list(range(5)) * 2
    expected = 0.0
    for k, row in enumerate(rows):
        partner = (k + 5) % 10
        counted = [
            a
            for a in range(10)
            if a == partner or (a != k and labels[owner[a]] != labels[owner[k]])
        ]
        total = sum(math.exp(cosine(row, rows[a]) / 0.5) for a in counted)
        expected -= math.log(math.exp(cosine(row, rows[partner]) / 0.5) / total) / 10
    classes = torch.tensor(labels)
    ignored = classes[:, None] == classes[None, :]
    assert float(nt_xent_loss(first, second, 0.5, ignored)) == pytest.approx(expected)


def test_equals_the_public_implementation() -> None:
    first, second = random_rows(1, 6, 4), random_rows(2, 6, 4)
    peer = NTXentLoss(temperature=0.2)(torch.cat([first, second]), torch.arange(6).repeat(2))
    torch.testing.assert_close(nt_xent_loss(first, second, 0.2), peer)


def test_equal_rows_give_the_log_of_the_others() -> None:
    value = assert_finite_gradient(
        lambda rows: nt_xent_loss(rows, rows), torch.ones(4, 3, dtype=torch.float64)
    )
    assert value == pytest.approx(math.log(7))


def test_gradient_is_right() -> None:
    first, second = random_rows(1, 4, 3).requires_grad_(), random_rows(2, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: nt_xent_loss(a, b, 0.3), (first, second))


def test_order_scale_and_exchange_of_views_change_nothing() -> None:
    expected = nt_xent_loss(B_LEFT, B_RIGHT)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(nt_xent_loss(2 * B_LEFT[order], 5 * B_RIGHT[order]), expected)
    torch.testing.assert_close(nt_xent_loss(B_RIGHT, B_LEFT), expected)


@pytest.mark.parametrize("rows", [0, 1])
def test_without_negatives_the_loss_is_zero(rows: int) -> None:
    assert float(nt_xent_loss(B_LEFT[:rows], B_RIGHT[:rows])) == pytest.approx(0.0, abs=1e-12)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected that of first"):
        nt_xent_loss(B_LEFT, B_RIGHT[:2])
    with pytest.raises(ValueError, match=r"ignored is torch\.int64"):
        nt_xent_loss(B_LEFT, B_RIGHT, ignored=torch.eye(3).long())
