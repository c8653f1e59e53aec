import pytest
import torch

from mmpipeline.losses.info_nce import info_nce_loss
from mmpipeline.losses.matryoshka import matryoshka_loss
from mmpipeline.losses.prototypical import leave_one_out_prototypical_loss
from tests.losses.golden import C_LABELS, assert_finite_gradient, random_rows

ROWS = random_rows(1, 6, 4)


def test_is_the_weighted_sum_of_the_loss_on_cut_unit_vectors() -> None:
    expected = 0.0
    for width, weight in ((1, 0.5), (2, 1.0), (4, 3.0)):
        cut = torch.stack([row[:width] / row[:width].norm() for row in ROWS])
        expected += weight * float(leave_one_out_prototypical_loss(cut, C_LABELS))
    loss = matryoshka_loss(
        lambda z: leave_one_out_prototypical_loss(z, C_LABELS), [ROWS], (1, 2, 4), (0.5, 1.0, 3.0)
    )
    assert float(loss) == pytest.approx(expected)


def test_the_full_width_alone_is_the_loss_itself() -> None:
    other = random_rows(2, 6, 4)
    torch.testing.assert_close(
        matryoshka_loss(info_nce_loss, [ROWS, other], (4,)), info_nce_loss(ROWS, other)
    )


def test_what_lies_beyond_the_widths_changes_nothing() -> None:
    changed = ROWS.clone()
    changed[:, 2:] = 9.0
    for rows in (ROWS, changed):
        expected = matryoshka_loss(info_nce_loss, [ROWS, ROWS], (1, 2))
        torch.testing.assert_close(matryoshka_loss(info_nce_loss, [rows, rows], (1, 2)), expected)


def test_gradient_is_right() -> None:
    rows = random_rows(3, 6, 4).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda r: matryoshka_loss(
            lambda z: leave_one_out_prototypical_loss(z, C_LABELS, 0.5), [r], (2, 4)
        ),
        rows,
    )


def test_a_zero_row_stays_finite() -> None:
    rows = torch.cat([ROWS[:5], torch.zeros(1, 4, dtype=torch.float64)])
    assert_finite_gradient(
        lambda r: matryoshka_loss(
            lambda z: leave_one_out_prototypical_loss(z, C_LABELS), [r], (2, 4)
        ),
        rows,
    )


@pytest.mark.parametrize("widths", [(), (0, 2), (2, 2), (4, 2), (2, 5)])
def test_widths_that_make_no_sense_are_an_error(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected increasing numbers from 1 to 4"):
        matryoshka_loss(info_nce_loss, [ROWS, ROWS], widths)


def test_weights_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="found 1 weights"):
        matryoshka_loss(info_nce_loss, [ROWS, ROWS], (2, 4), (1.0,))
