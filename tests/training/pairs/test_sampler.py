"""Batches of anchors, drawn by weight and dealt so that dishes spread."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.training.pairs.sampler import BlockDraws

DISHES = st.lists(st.integers(-1, 5), min_size=1, max_size=60)


def draws(
    dish: list[int], size: int, per_dish: int, weight_of: dict[int, float] | None = None
) -> BlockDraws:
    weights = [(weight_of or {}).get(code, 1.0) for code in dish]
    return BlockDraws(
        np.array(dish, dtype=np.int32), np.array(weights, dtype=np.float32), size, per_dish
    )


@given(dish=DISHES, size=st.integers(2, 20), per_dish=st.integers(1, 4), seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_equal_weights_draw_every_anchor_and_batches_are_alike(
    dish: list[int], size: int, per_dish: int, seed: int
) -> None:
    drawer = draws(dish, size, per_dish)
    batches = drawer.draw(np.random.default_rng(seed))
    assert len(batches) == len(drawer)
    assert {int(a) for batch in batches for a in batch} == set(range(len(dish)))
    sizes = [len(batch) for batch in batches]
    assert min(sizes) > 0
    assert max(sizes) <= max(size, per_dish)
    if per_dish == 1:
        assert sum(sizes) == len(dish)
        assert max(sizes) - min(sizes) <= 1
    for batch in batches:
        counts = Counter(dish[a] for a in batch)
        for code, count in counts.items():
            have = dish.count(code)
            chunks = -(-have // per_dish)
            if per_dish > 1:  # as often as it must be, by chunks of as many as there are
                assert count <= -(-chunks // len(batches)) * min(per_dish, have)
                assert count % min(per_dish, have) == 0


@pytest.mark.parametrize("per_dish", [1, 3])
def test_weights_share_out_the_draws_by_dish(per_dish: int) -> None:
    dish = [0] * 30 + [1] * 6 + [2] * 3
    balanced = {0: 1 / 30, 1: 1 / 6, 2: 1 / 3}
    drawer = draws(dish, 9, per_dish, balanced)
    times = Counter(
        dish[a]
        for seed in range(20)
        for batch in drawer.draw(np.random.default_rng(seed))
        for a in batch
    )
    # 39 draws an epoch, 13 a dish; with chunks of three, 15
    assert times == dict.fromkeys(range(3), 20 * (13 if per_dish == 1 else 15))


def test_an_anchor_drawn_often_comes_in_different_batches() -> None:
    dish = [0] * 40 + [1]
    drawer = draws(dish, 8, 1, {0: 1.0, 1: 4.0})
    for seed in range(5):
        batches = drawer.draw(np.random.default_rng(seed))
        assert sum(batch.tolist().count(40) for batch in batches) >= 3
        assert all(len(set(batch.tolist())) == len(batch) for batch in batches)
