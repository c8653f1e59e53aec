"""Refreshes over any history: each completes, and agrees with a build from nothing."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.history.kitchen import STEPS
from tests.history.refreshing import History, Move

NUMBERS = st.integers(0, 2**16)
MOVE = st.tuples(st.sampled_from(sorted(STEPS)), NUMBERS, NUMBERS)


def histories(steps: int) -> st.SearchStrategy[list[Move]]:
    return st.lists(MOVE, min_size=steps, max_size=steps)


def as_many(examples: int) -> settings:
    """Draw so many, the same ones each time; one that fails is not made shorter, it takes hours."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@as_many(3)
@given(moves=histories(6))
def test_refreshes_survive_their_history(
    tmp_path_factory: pytest.TempPathFactory, moves: list[Move]
) -> None:
    History(tmp_path_factory.mktemp("history")).live(moves)


@pytest.mark.soak
@pytest.mark.timeout(14400)
@as_many(50)
@given(moves=histories(20))
def test_refreshes_survive_fifty_long_histories(
    tmp_path_factory: pytest.TempPathFactory, moves: list[Move]
) -> None:
    History(tmp_path_factory.mktemp("history")).live(moves)


@pytest.mark.slow
def test_after_nothing_and_after_one_recipe_left_all_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    history = History(tmp_path_factory.mktemp("history"))
    history.live([("leave_none", 0, 0), ("leave_one", 1, 0), ("restore", 0, 1)])
    first, empty, one, back = history.outcomes
    assert (first, empty) == ("trained, promoted", "no recipes")
    assert one == "kept, refused"  # the gate: most items would be gone
    assert back.endswith("promoted")
