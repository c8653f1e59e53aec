import pytest
import torch

from mmpipeline.losses.gmc import gmc_loss
from mmpipeline.losses.nt_xent import nt_xent_loss
from tests.losses.golden import B_LEFT, B_RIGHT, assert_finite_gradient, random_rows


def test_golden_number_of_a_single_modality_term() -> None:
    assert float(gmc_loss(B_LEFT, B_RIGHT[:, None])) == pytest.approx(0.341068, abs=1e-6)


def test_is_the_sum_of_its_terms() -> None:
    joint, parts = random_rows(1, 5, 3), random_rows(2, 5, 3, 3)
    expected = sum(float(nt_xent_loss(joint, parts[:, m], 0.2)) for m in range(3))
    assert float(gmc_loss(joint, parts, temperature=0.2)) == pytest.approx(expected)


def test_a_term_runs_over_the_rows_that_have_the_modality() -> None:
    joint, parts = random_rows(1, 5, 3), random_rows(2, 5, 2, 3)
    present = torch.tensor([[1, 0], [1, 1], [0, 1], [1, 1], [1, 1]], dtype=torch.bool)
    ignored = torch.zeros(5, 5, dtype=torch.bool)
    ignored[1, 4] = ignored[4, 1] = True
    soiled = torch.where(present[..., None], parts, float("nan"))
    value = assert_finite_gradient(lambda p: gmc_loss(joint, p, present, 0.2, ignored), soiled)
    first = nt_xent_loss(
        joint[[0, 1, 3, 4]], parts[[0, 1, 3, 4], 0], 0.2, ignored[[0, 1, 3, 4]][:, [0, 1, 3, 4]]
    )
    second = nt_xent_loss(
        joint[[1, 2, 3, 4]], parts[[1, 2, 3, 4], 1], 0.2, ignored[[1, 2, 3, 4]][:, [1, 2, 3, 4]]
    )
    assert value == pytest.approx(float(first + second))


def test_a_modality_that_nobody_has_adds_nothing() -> None:
    joint, parts = random_rows(1, 4, 3), random_rows(2, 4, 2, 3)
    present = torch.tensor([[True, False]] * 4)
    torch.testing.assert_close(gmc_loss(joint, parts, present), nt_xent_loss(joint, parts[:, 0]))


def test_gradient_is_right() -> None:
    joint, parts = random_rows(1, 3, 2).requires_grad_(), random_rows(2, 3, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: gmc_loss(a, b, temperature=0.4), (joint, parts))


def test_what_does_not_fit_is_an_error() -> None:
    joint, parts = random_rows(1, 4, 3), random_rows(2, 4, 2, 3)
    with pytest.raises(ValueError, match=r"expected \(4, M, 3\)"):
        gmc_loss(joint, parts[:3])
    with pytest.raises(ValueError, match="expected bool of shape"):
        gmc_loss(joint, parts, torch.ones(4, 2))
