import pytest
import torch

from mmpipeline.losses.temperature import LearnedTemperature


def test_starts_where_told() -> None:
    assert float(LearnedTemperature(0.07)().detach()) == pytest.approx(0.07)


def test_learns_and_stays_above_the_least() -> None:
    temperature = LearnedTemperature(0.02, least=0.01)
    optimizer = torch.optim.SGD(temperature.parameters(), lr=100.0)
    loss = temperature()
    torch.autograd.backward(loss)
    optimizer.step()
    assert float(temperature().detach()) == pytest.approx(0.01)


def test_at_the_bound_it_can_still_rise() -> None:
    temperature = LearnedTemperature(0.01, least=0.01)
    torch.autograd.backward(-temperature())
    assert temperature.log_scale.grad is not None
    assert float(temperature.log_scale.grad) == pytest.approx(0.01)


@pytest.mark.parametrize(("initial", "least"), [(0.01, 0.1), (0.1, 0.0)])
def test_bounds_that_make_no_sense_are_an_error(initial: float, least: float) -> None:
    with pytest.raises(ValueError, match="expected 0 < least"):
        LearnedTemperature(initial, least)
