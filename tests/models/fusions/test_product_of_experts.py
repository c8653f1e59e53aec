import pytest
import torch

from mmpipeline.models.fusions.product_of_experts import ProductOfExpertsFusion, product_of_experts
from mmpipeline.models.fusions.shape import FusionShape

BOTH = torch.ones(1, 2, dtype=torch.bool)
MEANS = torch.tensor([[[1.0], [3.0]]], dtype=torch.float64)
VARIANCES = torch.tensor([[[1.0], [0.5]]], dtype=torch.float64)


def test_golden_numbers() -> None:
    mean, variance = product_of_experts(MEANS, VARIANCES, BOTH)
    assert mean.item() == pytest.approx(1.75)
    assert variance.item() == pytest.approx(0.25)


def test_nothing_present_gives_the_prior() -> None:
    mean, variance = product_of_experts(MEANS, VARIANCES, ~BOTH)
    assert (mean.item(), variance.item()) == (0.0, 1.0)


def test_equals_the_product_of_densities() -> None:
    grid = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    prior = torch.distributions.Normal(torch.tensor(0.0).double(), torch.tensor(1.0).double())
    log_density = prior.log_prob(grid)
    for mean, variance in zip(MEANS.flatten(), VARIANCES.flatten(), strict=True):
        log_density = log_density + torch.distributions.Normal(mean, variance.sqrt()).log_prob(grid)
    density = log_density.exp() / log_density.exp().sum()
    mean, variance = product_of_experts(MEANS, VARIANCES, BOTH)
    assert mean.item() == pytest.approx(float((density * grid).sum()))
    assert variance.item() == pytest.approx(float((density * (grid - mean.item()).square()).sum()))


def test_what_is_absent_is_not_read_forward_or_back() -> None:
    mask = torch.tensor([[True, False]])
    means = torch.tensor([[[1.0], [float("nan")]]], requires_grad=True)
    variances = torch.tensor([[[1.0], [0.0]]], requires_grad=True)
    mean, variance = product_of_experts(means, variances, mask)
    torch.autograd.backward((mean + variance).sum())
    assert (mean.item(), variance.item()) == (0.5, 0.5)
    for tensor in (means, variances):
        assert tensor.grad is not None
        assert bool(tensor.grad.isfinite().all())


def test_gradient_is_right() -> None:
    means, variances = MEANS.clone().requires_grad_(), VARIANCES.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda m, v: product_of_experts(m, v, BOTH), (means, variances))


def test_extreme_experts_stay_finite() -> None:
    torch.manual_seed(0)
    fusion = ProductOfExpertsFusion(FusionShape(parts=2, hidden_dim=4, embedding_dim=3))
    mean, variance = fusion.distribution(1e6 * torch.randn(1, 2, 4), BOTH)
    assert bool(mean.isfinite().all())
    assert bool((variance > 0).all())
