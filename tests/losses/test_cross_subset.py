import math

import pytest
import torch

from mmpipeline.losses.cross_subset import cross_subset_loss
from mmpipeline.losses.nt_xent import nt_xent_loss
from tests.losses.golden import assert_finite_gradient, cosine, random_rows


def test_two_complete_views_are_nt_xent() -> None:
    views = random_rows(1, 2, 5, 3)
    torch.testing.assert_close(cross_subset_loss(views, 0.3), nt_xent_loss(views[0], views[1], 0.3))


def test_equals_the_naive_loop() -> None:
    views = random_rows(2, 3, 4, 3)
    shown = torch.tensor([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)
    labels = torch.tensor([0, 1, 1, 2])
    places = [(v, b) for v in range(3) for b in range(4) if shown[v, b]]
    losses = []
    for v, b in places:
        others = [(w, c) for w, c in places if (w, c) != (v, b)]
        positive = [p for p in others if p[1] == b]
        counted = [p for p in others if p[1] == b or labels[p[1]] != labels[b]]
        shares = {p: math.exp(cosine(views[v, b], views[p]) / 0.4) for p in counted}
        if positive:
            total = sum(shares.values())
            losses.append(-sum(math.log(shares[p] / total) for p in positive) / len(positive))
    loss = cross_subset_loss(views, 0.4, shown, labels)
    assert float(loss) == pytest.approx(sum(losses) / len(losses))


def test_what_is_not_shown_is_not_read() -> None:
    views = random_rows(3, 3, 4, 3)
    shown = torch.tensor([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)
    soiled = torch.where(shown[..., None], views, float("nan"))
    value = assert_finite_gradient(lambda rows: cross_subset_loss(rows, shown=shown), soiled)
    assert value == float(cross_subset_loss(views, shown=shown))


def test_gradient_is_right() -> None:
    views = random_rows(1, 3, 3, 2).requires_grad_()
    labels = torch.tensor([0, 0, 1])
    assert torch.autograd.gradcheck(lambda v: cross_subset_loss(v, 0.5, labels=labels), views)


def test_order_of_views_and_items_changes_nothing() -> None:
    views = random_rows(4, 3, 5, 3)
    order = torch.tensor([4, 2, 0, 1, 3])
    torch.testing.assert_close(
        cross_subset_loss(7 * views[[2, 0, 1]][:, order]), cross_subset_loss(views)
    )


def test_one_view_of_each_item_is_nothing_to_learn_from() -> None:
    assert assert_finite_gradient(cross_subset_loss, random_rows(1, 1, 4, 3)) == 0.0


def test_items_of_one_label_without_negatives_spread_over_their_views() -> None:
    views = torch.ones(3, 4, 2, dtype=torch.float64)
    value = assert_finite_gradient(
        lambda v: cross_subset_loss(v, labels=torch.zeros(4, dtype=torch.long)), views
    )
    assert value == pytest.approx(math.log(2))


def test_what_does_not_fit_is_an_error() -> None:
    views = random_rows(1, 2, 4, 3)
    with pytest.raises(ValueError, match=r"expected \(V, B, E\)"):
        cross_subset_loss(views[0])
    with pytest.raises(ValueError, match=r"expected bool of shape \(2, 4\)"):
        cross_subset_loss(views, shown=torch.ones(4, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"labels of shape \(3,\)"):
        cross_subset_loss(views, labels=torch.arange(3))
