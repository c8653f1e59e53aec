import math

import pytest
import torch
from torch import Tensor

from mmpipeline.losses.prototypical import (
    episode_prototypical_loss,
    leave_one_out_prototypical_loss,
    squared_distances,
)
from tests.losses.golden import (
    C_LABELS,
    C_QUERIES,
    C_SUPPORT,
    assert_finite_gradient,
    float64,
    random_rows,
)


def naive_leave_one_out(vectors: Tensor, labels: Tensor, temperature: float) -> float:
    losses = []
    for i, label in enumerate(labels.tolist()):
        if int((labels == label).sum()) < 2:
            continue
        scores = {}
        for k in labels.unique().tolist():
            rows = [z for j, z in enumerate(vectors) if int(labels[j]) == k and j != i]
            mean = torch.stack(rows).mean(dim=0)
            scores[k] = -float((vectors[i] - mean).square().sum()) / temperature
        total = sum(math.exp(score) for score in scores.values())
        losses.append(-scores[label] + math.log(total))
    return sum(losses) / len(losses)


def test_golden_distances() -> None:
    prototypes = C_SUPPORT.reshape(3, 2, 2).mean(dim=1)
    expected = float64([
        [1, 17, 41],
        [5, 13, 25],
        [17, 1, 37],
        [9, 5, 29],
        [61, 37, 1],
        [13, 13, 13],
    ])
    torch.testing.assert_close(squared_distances(C_QUERIES, prototypes), expected)


def test_a_large_common_part_costs_no_precision() -> None:
    rows = random_rows(1, 5, 3).float()
    torch.testing.assert_close(
        squared_distances(rows + 1000, rows + 1000),
        squared_distances(rows, rows),
        atol=2e-3,
        rtol=0,
    )


def test_golden_number_of_an_episode() -> None:
    loss = episode_prototypical_loss(C_SUPPORT, C_LABELS, C_QUERIES, C_LABELS)
    assert float(loss) == pytest.approx(0.186183, abs=1e-6)


def test_golden_number_of_leave_one_out() -> None:
    loss = leave_one_out_prototypical_loss(C_SUPPORT, C_LABELS, temperature=10.0)
    assert float(loss) == pytest.approx(0.118731, abs=1e-6)


@pytest.mark.parametrize("labels", [[0, 0, 0, 1, 1, 2, 2], [5, 3, 5, 3, 9, 5, 3]])
def test_leave_one_out_equals_the_naive_loop(labels: list[int]) -> None:
    vectors, classes = random_rows(4, 7, 3), torch.tensor(labels)
    loss = leave_one_out_prototypical_loss(vectors, classes, 0.7)
    assert float(loss) == pytest.approx(naive_leave_one_out(vectors, classes, 0.7))


def test_an_episode_equals_the_naive_loop() -> None:
    support, queries = random_rows(1, 6, 3), random_rows(2, 4, 3)
    classes, asked = torch.tensor([7, 2, 2, 7, 4, 4]), torch.tensor([2, 4, 7, 7])
    expected = 0.0
    for query, label in zip(queries, asked.tolist(), strict=True):
        scores = {
            k: -float((query - support[classes == k].mean(dim=0)).square().sum()) for k in (2, 4, 7)
        }
        expected += math.log(sum(map(math.exp, scores.values()))) - scores[label]
    loss = episode_prototypical_loss(support, classes, queries, asked)
    assert float(loss) == pytest.approx(expected / 4)


def test_equal_rows_give_the_log_of_the_classes() -> None:
    rows = torch.ones(6, 2, dtype=torch.float64)
    value = assert_finite_gradient(
        lambda vectors: leave_one_out_prototypical_loss(vectors, C_LABELS), rows
    )
    assert value == pytest.approx(math.log(3))


def test_gradients_are_right() -> None:
    vectors, temperature = random_rows(3, 6, 4), torch.tensor(0.5, dtype=torch.float64)
    vectors.requires_grad_()
    temperature.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda rows, t: leave_one_out_prototypical_loss(rows, C_LABELS, t), (vectors, temperature)
    )
    assert torch.autograd.gradcheck(
        lambda rows, t: episode_prototypical_loss(rows, C_LABELS, rows * 0.9, C_LABELS, t),
        (vectors, temperature),
    )


def test_order_of_rows_and_names_of_classes_change_nothing() -> None:
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    names = torch.tensor([40, 7, 22])
    vectors = random_rows(5, 6, 3)
    torch.testing.assert_close(
        leave_one_out_prototypical_loss(vectors[order], names[C_LABELS[order]]),
        leave_one_out_prototypical_loss(vectors, C_LABELS),
    )


@pytest.mark.parametrize("labels", [torch.arange(6), torch.zeros(6, dtype=torch.long)])
def test_lone_rows_and_a_single_class_give_zero(labels: Tensor) -> None:
    value = assert_finite_gradient(
        lambda rows: leave_one_out_prototypical_loss(rows, labels), random_rows(0, 6, 2)
    )
    assert value == pytest.approx(0.0, abs=1e-12)


def test_an_episode_without_queries_is_zero() -> None:
    nothing = torch.zeros(0, 2, dtype=torch.float64)
    loss = episode_prototypical_loss(C_SUPPORT, C_LABELS, nothing, C_LABELS[:0])
    assert float(loss) == 0.0


def test_labels_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected integers of shape"):
        leave_one_out_prototypical_loss(C_SUPPORT, C_LABELS[:5])
    with pytest.raises(ValueError, match=r"query_labels is torch\.float"):
        episode_prototypical_loss(C_SUPPORT, C_LABELS, C_QUERIES, C_LABELS.float())
    for absent in (1, 3, -1):
        labels = torch.where(C_LABELS == 1, 2, C_LABELS)
        with pytest.raises(ValueError, match="has no support row"):
            episode_prototypical_loss(C_SUPPORT, labels, C_QUERIES, torch.full((6,), absent))
