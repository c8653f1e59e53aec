import pytest
import torch
from torch import Tensor

from mmpipeline.losses.cosine_pair import cosine_pair_loss


def unit_vectors(angles: list[float]) -> Tensor:
    radians = torch.deg2rad(torch.tensor(angles, dtype=torch.float64))
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def test_golden_number_of_one_labelled_batch() -> None:
    vectors = unit_vectors([0.0, 10.0, 20.0, 50.0, 60.0, 80.0])
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    itself = torch.eye(6, dtype=torch.bool)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    assert int(positive.sum()) == 8
    loss = cosine_pair_loss(vectors, vectors, positive, itself)
    assert float(loss) == pytest.approx(0.341502, abs=1e-6)


def test_golden_number_of_two_sides() -> None:
    left, right = unit_vectors([0.0, 40.0, 100.0]), unit_vectors([10.0, 30.0, 120.0])
    positive = torch.eye(3, dtype=torch.bool)
    loss = cosine_pair_loss(left, right, positive, torch.zeros_like(positive))
    assert float(loss) == pytest.approx(0.237516, abs=1e-6)


def test_equals_the_naive_loop() -> None:
    generator = torch.Generator().manual_seed(5)
    left = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    right = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    positive = torch.rand(4, 6, generator=generator) < 0.4
    ignored = (torch.rand(4, 6, generator=generator) < 0.3) & ~positive
    halves: dict[bool, list[float]] = {True: [], False: []}
    for i in range(4):
        for j in range(6):
            similarity = (float(left[i] @ right[j] / (left[i].norm() * right[j].norm())) + 1) / 2
            if positive[i, j]:
                halves[True].append((1 - similarity) ** 2)
            elif not ignored[i, j]:
                halves[False].append(similarity**2)
    expected = sum(sum(values) / len(values) for values in halves.values()) / 2
    assert float(cosine_pair_loss(left, right, positive, ignored)) == pytest.approx(expected)


def test_gradient_is_right() -> None:
    generator = torch.Generator().manual_seed(3)
    vectors = torch.randn(5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    itself = torch.eye(5, dtype=torch.bool)
    labels = torch.tensor([0, 0, 1, 1, 1])
    positive = (labels[:, None] == labels[None, :]) & ~itself
    assert torch.autograd.gradcheck(
        lambda rows: cosine_pair_loss(rows, rows, positive, itself), vectors
    )


def test_perfect_and_reversed_pairs() -> None:
    left, right = unit_vectors([0.0]), unit_vectors([0.0, 180.0])
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    assert float(cosine_pair_loss(left, right, torch.tensor([[True, False]]), nothing)) == (
        pytest.approx(0.0)
    )
    assert float(cosine_pair_loss(left, right, torch.tensor([[False, True]]), nothing)) == (
        pytest.approx(1.0)
    )


@pytest.mark.parametrize("filled", [True, False])
def test_a_missing_half_is_zero(filled: bool) -> None:
    vectors = torch.ones(3, 2, requires_grad=True)
    positive = torch.full((3, 3), filled)
    loss = cosine_pair_loss(vectors, vectors, positive, torch.zeros_like(positive))
    loss.backward()
    assert bool(loss.isfinite())
    assert loss.item() == pytest.approx(0.0 if filled else 0.5)


def test_cross_entropy_form() -> None:
    left, right = unit_vectors([0.0, 40.0, 100.0]), unit_vectors([10.0, 30.0, 120.0])
    positive = torch.eye(3, dtype=torch.bool)
    similarity = (left @ right.T + 1) / 2
    nothing = torch.zeros_like(positive)
    loss = cosine_pair_loss(left, right, positive, nothing, error="cross_entropy")
    match = -similarity[positive].log()
    clash = -(1 - similarity[~positive]).log()
    assert float((match.sum() + clash.sum()) / 9) == pytest.approx(0.936535, abs=1e-6)
    assert float(loss) == pytest.approx(float(match.mean() + clash.mean()) / 2)


def test_cross_entropy_of_a_pair_at_the_wrong_end_is_finite() -> None:
    vectors = torch.ones(2, 3, requires_grad=True)
    nothing = torch.zeros(2, 2, dtype=torch.bool)
    loss = cosine_pair_loss(vectors, vectors, nothing, nothing, error="cross_entropy")
    torch.autograd.backward(loss)
    assert loss.item() == pytest.approx(8.0, abs=0.2)
    assert vectors.grad is not None
    assert bool(vectors.grad.isfinite().all())


def test_an_unknown_error_is_refused() -> None:
    vectors, nothing = torch.ones(2, 3), torch.zeros(2, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match="expected 'square' or 'cross_entropy'"):
        cosine_pair_loss(vectors, vectors, nothing, nothing, error="cube")  # type: ignore[arg-type]
