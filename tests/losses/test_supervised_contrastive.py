import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import SupConLoss
from torch import Tensor

from mmpipeline.losses.supervised_contrastive import supervised_contrastive_loss

ANGLES = [0.0, 10.0, 20.0, 50.0, 60.0, 80.0]
LABELS = torch.tensor([0, 0, 0, 1, 1, 2])


def unit_vectors(angles: list[float]) -> Tensor:
    radians = torch.deg2rad(torch.tensor(angles, dtype=torch.float64))
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def label_masks(labels: Tensor) -> tuple[Tensor, Tensor]:
    itself = torch.eye(len(labels), dtype=torch.bool)
    return (labels[:, None] == labels[None, :]) & ~itself, itself


def naive_loss(
    anchors: Tensor, candidates: Tensor, positive: Tensor, ignored: Tensor, temperature: float
) -> float:
    losses = []
    for i, anchor in enumerate(anchors):
        cosines = [float(anchor @ c / (anchor.norm() * c.norm())) / temperature for c in candidates]
        total = sum(
            math.exp(c) for j, c in enumerate(cosines) if positive[i, j] or not ignored[i, j]
        )
        terms = [-math.log(math.exp(c) / total) for j, c in enumerate(cosines) if positive[i, j]]
        if terms:
            losses.append(sum(terms) / len(terms))
    return sum(losses) / len(losses) if losses else 0.0


def test_golden_number() -> None:
    vectors = unit_vectors(ANGLES)
    loss = supervised_contrastive_loss(vectors, vectors, *label_masks(LABELS), temperature=0.1)
    assert float(loss) == pytest.approx(0.720060, abs=1e-6)


def test_equals_the_public_implementation() -> None:
    generator = torch.Generator().manual_seed(4)
    vectors = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    loss = supervised_contrastive_loss(vectors, vectors, *label_masks(LABELS), temperature=0.2)
    torch.testing.assert_close(loss, SupConLoss(temperature=0.2)(vectors, LABELS))


def test_identical_rows_give_the_log_of_the_candidates() -> None:
    vectors = torch.ones(8, 3, dtype=torch.float64)
    labels = torch.arange(4).repeat(2)
    loss = supervised_contrastive_loss(vectors, vectors, *label_masks(labels))
    assert float(loss) == pytest.approx(math.log(7))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_equals_the_naive_loop(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 6))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    anchors = torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    candidates = torch.randn(columns, 3, generator=generator, dtype=torch.float64)
    positive = torch.rand(rows, columns, generator=generator) < 0.4
    ignored = (torch.rand(rows, columns, generator=generator) < 0.3) & ~positive
    loss = supervised_contrastive_loss(anchors, candidates, positive, ignored, 0.5)
    assert float(loss) == pytest.approx(naive_loss(anchors, candidates, positive, ignored, 0.5))


def test_gradient_is_right() -> None:
    generator = torch.Generator().manual_seed(3)
    vectors = torch.randn(6, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    positive, ignored = label_masks(LABELS)
    assert torch.autograd.gradcheck(
        lambda rows: supervised_contrastive_loss(rows, rows, positive, ignored, 0.3), vectors
    )


def test_order_and_scale_change_nothing() -> None:
    vectors = unit_vectors(ANGLES)
    expected = supervised_contrastive_loss(vectors, vectors, *label_masks(LABELS))
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    shuffled = vectors[order] * 7.0
    loss = supervised_contrastive_loss(shuffled, shuffled, *label_masks(LABELS[order]))
    torch.testing.assert_close(loss, expected)


def test_an_ignored_candidate_does_not_count() -> None:
    anchors, candidates = unit_vectors([0.0]), unit_vectors([10.0, 5.0, 90.0])
    positive = torch.tensor([[True, False, False]])
    ignored = torch.tensor([[False, True, False]])
    loss = supervised_contrastive_loss(anchors, candidates, positive, ignored)
    expected = supervised_contrastive_loss(
        anchors, candidates[[0, 2]], positive[:, [0, 2]], torch.zeros(1, 2, dtype=torch.bool)
    )
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("labels", [torch.arange(4), torch.zeros(4, dtype=torch.long)])
def test_singletons_and_a_single_class_stay_finite(labels: Tensor) -> None:
    vectors = torch.ones(4, 2, requires_grad=True)
    loss = supervised_contrastive_loss(vectors, vectors, *label_masks(labels))
    loss.backward()
    assert bool(loss.isfinite())
    assert vectors.grad is not None
    assert bool(vectors.grad.isfinite().all())


def test_masks_of_another_shape_are_an_error() -> None:
    vectors = unit_vectors(ANGLES)
    positive, ignored = label_masks(LABELS)
    with pytest.raises(ValueError, match=r"positive is torch.bool of shape \(6, 5\)"):
        supervised_contrastive_loss(vectors, vectors, positive[:, :5], ignored)
    with pytest.raises(ValueError, match=r"ignored is torch\.int64"):
        supervised_contrastive_loss(vectors, vectors, positive, ignored.long())
