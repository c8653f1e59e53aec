import math

import pytest
import torch
from torch import Tensor

from mmpipeline.losses.info_nce import info_nce_loss
from mmpipeline.losses.temperature import LearnedTemperature
from tests.losses.golden import B_LEFT, B_RIGHT, assert_finite_gradient, cosine, random_rows


def naive_loss(left: Tensor, right: Tensor, temperature: float, weight: Tensor) -> float:
    directions: list[list[float]] = [[], []]
    for i in range(len(left)):
        partner = math.exp(cosine(left[i], right[i]) / temperature)
        there = back = partner
        for j in range(len(right)):
            if j != i:
                there += float(weight[i, j]) * math.exp(cosine(left[i], right[j]) / temperature)
        for j in range(len(left)):
            if j != i:
                back += float(weight[j, i]) * math.exp(cosine(left[j], right[i]) / temperature)
        for direction, total in zip(directions, (there, back), strict=True):
            direction.append(-math.log(partner / total))
    return sum(sum(d) / len(d) for d in directions) / 2


def test_golden_number() -> None:
    assert float(info_nce_loss(B_LEFT, B_RIGHT, 0.07)) == pytest.approx(0.112230, abs=1e-6)


@pytest.mark.parametrize("extra", [0, 3])
def test_equals_the_naive_loop(extra: int) -> None:
    left, right = random_rows(1, 4, 3), random_rows(2, 4 + extra, 3)
    generator = torch.Generator().manual_seed(0)
    weight = torch.rand(4, 4 + extra, generator=generator, dtype=torch.float64) * 3
    ignored = torch.rand(4, 4 + extra, generator=generator) < 0.3
    loss = info_nce_loss(left, right, 0.5, ignored, weight)
    effective = torch.where(ignored, 0.0, weight)
    assert float(loss) == pytest.approx(naive_loss(left, right, 0.5, effective))


def test_a_weight_of_two_counts_a_negative_twice() -> None:
    left, right = random_rows(1, 3, 3), random_rows(2, 4, 3)
    weight = torch.ones(3, 4, dtype=torch.float64)
    weight[:, 3] = 2.0
    torch.testing.assert_close(
        info_nce_loss(left, right, 0.3, negative_weight=weight),
        info_nce_loss(left, torch.cat([right, right[3:]]), 0.3),
    )


def test_weight_zero_and_the_mask_say_the_same() -> None:
    left, right = random_rows(1, 4, 3), random_rows(2, 4, 3)
    ignored = torch.rand(4, 4, generator=torch.Generator().manual_seed(3)) < 0.5
    masked = info_nce_loss(left, right, 0.3, ignored=ignored)
    weighted = info_nce_loss(left, right, 0.3, negative_weight=(~ignored).double())
    torch.testing.assert_close(masked, weighted)


def test_without_any_negative_the_loss_is_zero() -> None:
    everything = torch.ones(4, 4, dtype=torch.bool)
    value = assert_finite_gradient(
        lambda rows: info_nce_loss(rows, rows, ignored=everything), random_rows(1, 4, 3)
    )
    assert value == pytest.approx(0.0, abs=1e-12)


def test_gradient_is_right_also_of_the_temperature() -> None:
    left, right = random_rows(1, 4, 3).requires_grad_(), random_rows(2, 5, 3).requires_grad_()
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    ignored = torch.zeros(4, 5, dtype=torch.bool)
    ignored[0, 1] = ignored[2, 4] = True
    weight = torch.full((4, 5), 1.5, dtype=torch.float64)
    weight[1, 3] = 0.0
    assert torch.autograd.gradcheck(
        lambda a, b, t: info_nce_loss(a, b, t, ignored, weight), (left, right, temperature)
    )


def test_order_scale_and_exchange_of_sides_change_nothing() -> None:
    expected = info_nce_loss(B_LEFT, B_RIGHT)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(info_nce_loss(3 * B_LEFT[order], 9 * B_RIGHT[order]), expected)
    torch.testing.assert_close(info_nce_loss(B_RIGHT, B_LEFT), expected)


def test_equal_rows_give_the_log_of_their_number() -> None:
    value = assert_finite_gradient(lambda rows: info_nce_loss(rows, rows), torch.ones(5, 2))
    assert value == pytest.approx(math.log(5))


def test_a_learned_temperature_gets_a_gradient() -> None:
    temperature = LearnedTemperature()
    torch.autograd.backward(info_nce_loss(B_LEFT, B_RIGHT, temperature()))
    assert temperature.log_scale.grad is not None
    assert float(temperature.log_scale.grad) != 0.0


def test_no_rows_give_zero() -> None:
    assert float(info_nce_loss(B_LEFT[:0], B_RIGHT[:0])) == 0.0


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="right has 2 rows"):
        info_nce_loss(B_LEFT, B_RIGHT[:2])
    with pytest.raises(ValueError, match=r"ignored is torch\.float32"):
        info_nce_loss(B_LEFT, B_RIGHT, ignored=torch.zeros(3, 3))
    for weight in (torch.ones(2, 3), torch.full((3, 3), -1.0), torch.full((3, 3), float("nan"))):
        with pytest.raises(ValueError, match="expected numbers >= 0"):
            info_nce_loss(B_LEFT, B_RIGHT, negative_weight=weight)
