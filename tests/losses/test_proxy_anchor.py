import math

import pytest
import torch
from pytorch_metric_learning.losses import ProxyAnchorLoss

from mmpipeline.losses.proxy_anchor import proxy_anchor_loss
from tests.losses.golden import (
    A_LABELS,
    A,
    assert_finite_gradient,
    cosine,
    random_rows,
    unit_vectors,
)

PROXIES = unit_vectors([10.0, 55.0, 80.0])


@pytest.mark.parametrize(("scale", "value"), [(32.0, 31.118789), (4.0, 4.677434)])
def test_golden_numbers(scale: float, value: float) -> None:
    loss = proxy_anchor_loss(A, A_LABELS, PROXIES, scale)
    assert float(loss) == pytest.approx(value, abs=1e-6)


def test_equals_the_naive_loop_with_a_proxy_without_rows() -> None:
    rows, proxies = random_rows(1, 5, 3), random_rows(2, 4, 3)
    labels = torch.tensor([0, 2, 2, 0, 3])
    pull, push = [], []
    for p in range(4):
        own = [cosine(rows[i], proxies[p]) for i in range(5) if int(labels[i]) == p]
        others = [cosine(rows[i], proxies[p]) for i in range(5) if int(labels[i]) != p]
        if own:
            pull.append(math.log(1 + sum(math.exp(-8 * (c - 0.2)) for c in own)))
        push.append(math.log(1 + sum(math.exp(8 * (c + 0.2)) for c in others)))
    expected = sum(pull) / len(pull) + sum(push) / 4
    loss = proxy_anchor_loss(rows, labels, proxies, scale=8.0, margin=0.2)
    assert float(loss) == pytest.approx(expected)


def test_equals_the_public_implementation() -> None:
    rows, proxies = random_rows(1, 8, 4), random_rows(2, 3, 4)
    labels = torch.tensor([0, 1, 1, 0, 0, 1, 0, 1])
    peer = ProxyAnchorLoss(num_classes=3, embedding_size=4, margin=0.1, alpha=32)
    peer.proxies.data = proxies
    torch.testing.assert_close(proxy_anchor_loss(rows, labels, proxies), peer(rows, labels))


def test_gradient_is_right() -> None:
    rows, proxies = random_rows(1, 6, 3).requires_grad_(), random_rows(2, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda r, p: proxy_anchor_loss(r, A_LABELS, p, scale=4.0), (rows, proxies)
    )


def test_order_and_scale_change_nothing() -> None:
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(
        proxy_anchor_loss(7 * A[order], A_LABELS[order], 0.3 * PROXIES),
        proxy_anchor_loss(A, A_LABELS, PROXIES),
    )


@pytest.mark.parametrize("labels", [torch.arange(3), torch.zeros(3, dtype=torch.long)])
def test_equal_rows_lone_rows_and_one_class_stay_finite(labels: torch.Tensor) -> None:
    assert_finite_gradient(
        lambda r: proxy_anchor_loss(r, labels, torch.ones(3, 2)), torch.ones(3, 2)
    )


def test_no_rows_give_zero() -> None:
    assert float(proxy_anchor_loss(A[:0], A_LABELS[:0], PROXIES)) == 0.0


def test_labels_that_are_no_proxies_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected 0 to 1"):
        proxy_anchor_loss(A, A_LABELS, PROXIES[:2])
    with pytest.raises(ValueError, match="expected int64"):
        proxy_anchor_loss(A, A_LABELS[:5], PROXIES)
