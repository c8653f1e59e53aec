import math

import pytest

from mmpipeline.config import FitConfig
from mmpipeline.training.engine.schedule import learning_rate

CONFIG = FitConfig(rounds=10, steps_per_round=10, learning_rate=0.1)


def test_a_cosine_from_the_full_rate_towards_nothing() -> None:
    rates = [learning_rate(step, CONFIG) for step in range(1, 101)]
    assert rates[0] == 0.1
    assert rates == sorted(rates, reverse=True)
    assert rates[50] == pytest.approx(0.05)
    assert 0 < rates[-1] < 1e-4
    for step in (7, 63):
        assert rates[step - 1] == pytest.approx(0.05 * (1 + math.cos(math.pi * (step - 1) / 100)))


def test_the_warm_up_is_straight_and_meets_the_cosine_at_the_full_rate() -> None:
    config = CONFIG.model_copy(update={"warmup_fraction": 0.2})
    rates = [learning_rate(step, config) for step in range(1, 101)]
    assert rates[:3] == pytest.approx([0.1 / 21, 0.2 / 21, 0.3 / 21])
    assert max(rates) == rates[20] == 0.1
    assert rates[60] == pytest.approx(0.05)


def test_the_cosine_ends_at_its_share() -> None:
    config = CONFIG.model_copy(update={"final_rate_fraction": 0.3})
    assert learning_rate(100, config) == pytest.approx(0.03, rel=0.01)
    constant = CONFIG.model_copy(update={"final_rate_fraction": 1.0})
    assert {learning_rate(step, constant) for step in range(1, 101)} == {0.1}
