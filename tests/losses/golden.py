"""Fixtures whose values were computed in float64 by independent plain-array code."""

from collections.abc import Callable

import torch
from torch import Tensor


def unit_vectors(angles: list[float]) -> Tensor:
    radians = torch.deg2rad(torch.tensor(angles, dtype=torch.float64))
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def float64(rows: list[list[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def random_rows(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def cosine(left: Tensor, right: Tensor) -> float:
    return float(left @ right / (left.norm() * right.norm()))


def assert_finite_gradient(loss: Callable[[Tensor], Tensor], rows: Tensor) -> float:
    rows = rows.clone().requires_grad_()
    value = loss(rows)
    torch.autograd.backward(value)
    assert bool(value.isfinite())
    assert rows.grad is not None
    assert bool(rows.grad.isfinite().all())
    return float(value.detach())


A = unit_vectors([0.0, 10.0, 20.0, 50.0, 60.0, 80.0])
A_LABELS = torch.tensor([0, 0, 0, 1, 1, 2])
B_LEFT, B_RIGHT = unit_vectors([0.0, 40.0, 100.0]), unit_vectors([10.0, 30.0, 120.0])
C_SUPPORT = float64([[0, 0], [2, 0], [0, 4], [0, 6], [5, 5], [7, 5]])
C_QUERIES = float64([[1, 1], [2, 2], [0, 4], [1, 3], [6, 6], [3, 3]])
C_LABELS = torch.tensor([0, 0, 1, 1, 2, 2])
D = float64([[0.9, 0.7, 0.1, 0.0], [0.2, 0.1, 0.8, 0.6]])
D_POSITIVE = torch.tensor([[True, True, False, False], [False, False, True, True]])
