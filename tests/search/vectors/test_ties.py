"""Ties: what float32 cannot tell apart stands in the order of its rows; all else best first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.models.rounding import largest_error, tie_width
from mmpipeline.search.vectors.ties import floor_of, rank, rank_many
from tests.search.one_order import rank_naively

WIDTH = 1e-3
SCORES = st.lists(
    st.one_of(st.integers(-12, 12).map(lambda n: n * 4e-4), st.floats(-1, 1)), min_size=1
)


def test_the_width_holds_the_error_of_float32_dot_products_in_several_orders() -> None:
    random = np.random.default_rng(1)
    for dim in (3, 64, 640):
        values = random.standard_normal((200, 2, dim))
        left, right = np.moveaxis(
            (values / np.linalg.norm(values, axis=2, keepdims=True)).astype(np.float32), 1, 0
        )
        exact = (left.astype(float) * right).sum(axis=1)
        products = left * right
        one_by_one = np.cumsum(products, axis=1, dtype=np.float32)[:, -1]
        sorted_first = np.cumsum(np.sort(products, axis=1), axis=1, dtype=np.float32)[:, -1]
        for found in (one_by_one, sorted_first, products.sum(axis=1)):
            off = np.abs(found - exact).max()
            assert off <= tie_width(dim) / 2
            assert off <= largest_error(dim)
        assert np.abs(one_by_one - exact).max() > tie_width(dim) / 100  # it is no empty bound


@given(SCORES, st.integers(1, 40), st.randoms(use_true_random=False))
def test_it_is_the_naive_order_and_a_longer_answer_begins_alike(
    scores: list[float], k: int, shuffle: st.DataObject
) -> None:
    rows = list(range(len(scores)))
    shuffle.shuffle(rows)  # type: ignore[attr-defined]
    given_rows, given_scores = np.array(rows), np.array(scores)
    found, told = rank(given_rows, given_scores, k, WIDTH)
    whole, whole_told = rank(given_rows, given_scores, len(rows), WIDTH)
    assert (found.tolist(), told.tolist()) == (whole[:k].tolist(), whole_told[:k].tolist())
    assert list(zip(found.tolist(), told.tolist(), strict=True)) == rank_naively(
        rows, scores, k, WIDTH
    )


@given(SCORES, st.integers(1, 40))
def test_nobody_stands_before_one_better_by_more_than_the_width(
    scores: list[float], k: int
) -> None:
    found, told = rank(np.arange(len(scores))[::-1], np.array(scores[::-1]), k, WIDTH)
    true = np.array(scores)[found]
    assert (np.diff(told) <= 0).all()
    assert (told - true >= 0).all()
    assert (told - true <= WIDTH + 1e-12).all()
    worst_before = np.minimum.accumulate(true)
    assert (true <= worst_before + WIDTH + 1e-12).all()


@given(SCORES, st.integers(1, 10))
def test_candidates_at_or_above_the_floor_are_all_it_takes(scores: list[float], k: int) -> None:
    rows, values = np.arange(len(scores)), np.array(scores)
    k = min(k, len(scores))
    near = values >= floor_of(values, k, WIDTH)
    whole, enough = rank(rows, values, k, WIDTH), rank(rows[near], values[near], k, WIDTH)
    assert [part.tolist() for part in whole] == [part.tolist() for part in enough]


@given(st.lists(SCORES, min_size=1, max_size=5), st.integers(1, 6))
def test_many_are_ranked_as_one_is(questions: list[list[float]], k: int) -> None:
    columns = max(k, *map(len, questions))
    rows = np.tile(np.arange(columns)[::-1], (len(questions), 1))
    scores = np.full((len(questions), columns), -np.inf)
    for turn, values in enumerate(questions):
        scores[turn, : len(values)] = values
    found, told = rank_many(rows, scores, k, WIDTH)
    for turn, values in enumerate(questions):
        alone = rank(rows[turn, : len(values)], np.array(values), k, WIDTH)
        count = len(alone[0])
        assert found[turn, :count].tolist() == alone[0].tolist()
        assert told[turn, :count].tolist() == alone[1].tolist()
        assert (told[turn, count:] == -np.inf).all()


def test_a_chain_of_near_scores_is_cut_where_it_gets_longer_than_the_width() -> None:
    scores = np.array([0.4991, 0.4997, 0.5003, 0.5009])  # each within the width of the next
    found, told = rank(np.arange(4), scores, 4, WIDTH)
    assert found.tolist() == [2, 3, 0, 1]
    assert told.tolist() == [0.5009, 0.5009, 0.4997, 0.4997]


def test_scores_beyond_one_tie_in_proportion() -> None:
    found, _ = rank(np.arange(3), np.array([-2000.5, -2000.0, -2003.0]), 3, WIDTH)
    assert found.tolist() == [0, 1, 2]
    assert len(rank(np.zeros(0, np.intp), np.zeros(0), 3, WIDTH)[0]) == 0
