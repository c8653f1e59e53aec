import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.evaluation.metrics import retrieval
from mmpipeline.evaluation.metrics.retrieval import (
    Relevance,
    bootstrap_interval,
    count_candidates,
    mean_reciprocal_rank,
    median_rank,
    rank_by_items,
    rank_queries,
    rank_vectors,
    recall_at_k,
)
from mmpipeline.models.rounding import tie_width


def relevance_of(
    query_label: list[int],
    item_label: list[int],
    query_group: list[int] | None = None,
    item_group: list[int] | None = None,
) -> Relevance:
    return Relevance(
        np.array(query_label),
        np.array(item_label),
        np.array(query_group or [-1] * len(query_label)),
        np.array(item_group or [-1] * len(item_label)),
    )


def rank(scores: list[list[float]], relevance: Relevance) -> list[int]:
    matrix = torch.tensor(scores)
    ranks = rank_queries(lambda rows: matrix[rows], relevance).tolist()
    assert rank_by_items(lambda items: matrix[:, items], relevance).tolist() == ranks
    return ranks


def test_rank_counts_the_irrelevant_that_are_nearer() -> None:
    relevance = relevance_of([0], [1, 0, 0, 1])
    assert rank([[0.9, 0.8, 0.7, 0.1]], relevance) == [2]


def test_ties_count_against_us() -> None:
    relevance = relevance_of([0], [0, 1, 1, 1])
    assert rank([[0.5, 0.5, 0.5, 0.4]], relevance) == [3]


def test_a_constant_embedding_comes_last() -> None:
    relevance = relevance_of([0, 1, 2], [0, 1, 2])
    assert rank([[1.0] * 3] * 3, relevance) == [3, 3, 3]


def test_items_of_the_querys_group_are_no_candidates() -> None:
    relevance = relevance_of([0], [0, 0, 1, 1], query_group=[7], item_group=[7, 8, 9, 7])
    assert rank([[1.0, 0.2, 0.5, 0.9]], relevance) == [2]
    assert [counts.tolist() for counts in count_candidates(relevance)] == [[2], [1]]


def test_a_query_without_a_relevant_candidate_has_rank_zero() -> None:
    assert rank([[0.5, 0.4], [0.5, 0.4]], relevance_of([-1, 5], [-1, 1])) == [0, 0]


def test_a_similarity_that_is_no_number_ranks_last() -> None:
    relevance = relevance_of([0], [0, 1, 1])
    assert rank([[float("nan"), 0.1, 0.2]], relevance) == [3]
    assert rank([[0.1, float("nan"), 0.2]], relevance) == [2]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_ranks_equal_the_naive_loop(data: st.DataObject) -> None:
    queries, items = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 7))
    label, group = st.integers(-1, 2), st.integers(-1, 3)
    relevance = relevance_of(
        data.draw(st.lists(label, min_size=queries, max_size=queries)),
        data.draw(st.lists(label, min_size=items, max_size=items)),
        data.draw(st.lists(group, min_size=queries, max_size=queries)),
        data.draw(st.lists(group, min_size=items, max_size=items)),
    )
    scores = [[data.draw(st.integers(0, 3)) / 4 for _ in range(items)] for _ in range(queries)]
    expected = []
    for q in range(queries):
        group_q, label_q = relevance.query_group[q], relevance.query_label[q]
        allowed = [i for i in range(items) if not (group_q == relevance.item_group[i] >= 0)]
        right = [i for i in allowed if label_q == relevance.item_label[i] and label_q >= 0]
        best = max((scores[q][i] for i in right), default=None)
        ahead = [i for i in allowed if i not in right and best is not None and scores[q][i] >= best]
        expected.append(0 if best is None else 1 + len(ahead))
    assert rank(scores, relevance) == expected


def test_what_float32_cannot_tell_apart_counts_against_us() -> None:
    """Wherever a kernel rounds the products of equal vectors up, and wherever down."""
    vectors = torch.full((9, 64), 1 / 8)
    labels = list(range(9))
    relevance = relevance_of(labels, labels)
    assert rank_vectors(vectors, vectors, relevance).tolist() == [9] * 9
    rounded = torch.ones(9, 9) + (torch.arange(81) % 9 - 4).view(9, 9) * 2.0**-24
    width = tie_width(64)
    assert rank_queries(lambda rows: rounded[rows], relevance).tolist() != [9] * 9
    assert rank_queries(lambda rows: rounded[rows], relevance, width).tolist() == [9] * 9
    nearer = rounded + 2 * width * torch.eye(9)
    assert rank_queries(lambda rows: nearer[rows], relevance, width).tolist() == [1] * 9
    up = torch.nextafter(vectors, torch.tensor(1.0))
    items, one = torch.cat([up[:1], vectors[:8]]), relevance_of([0], [0, *[1] * 8])
    assert rank_vectors(vectors[:1], items, one).tolist() == [9]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = torch.rand(11, 6, generator=torch.Generator().manual_seed(0))
    relevance = relevance_of([i % 3 for i in range(11)], [0, 1, 2, 0, 1, 2])
    whole = rank_queries(lambda rows: matrix[rows], relevance)
    monkeypatch.setattr(retrieval, "BLOCK_VALUES", 12)
    assert len(relevance.blocks()) == 6
    assert np.array_equal(rank_queries(lambda rows: matrix[rows], relevance), whole)
    assert len(relevance.item_blocks()) == 6
    made: list[int] = []

    def make(items: slice) -> torch.Tensor:
        made.extend(range(items.start, items.stop))
        return matrix[:, items]

    assert np.array_equal(rank_by_items(make, relevance), whole)
    assert made == [*range(6), *range(6)]  # twice each, however many blocks of queries there are


def test_blocks_of_items_stay_small_when_few_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "ITEM_BLOCK_ROWS", 4)
    sizes = [len(asked.item_label) for _, asked in relevance_of([1], [0, 1] * 5).item_blocks()]
    assert sizes == [4, 4, 2]


def test_figures_of_known_ranks() -> None:
    ranks = np.array([1, 2, 4, 11])
    assert recall_at_k(ranks, 1) == 0.25
    assert recall_at_k(ranks, 10) == 0.75
    assert median_rank(ranks) == 3.0
    assert mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 11) / 4)


def test_bootstrap_covers_the_mean_and_narrows_with_more_values() -> None:
    generator = np.random.default_rng(0)
    widths = []
    for size in (50, 5000):
        values = generator.random(size) < 0.3
        low, high = bootstrap_interval(values, lambda rows: rows.mean(axis=1), seed=1)
        assert low < values.mean() < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5
    expected = 2 * 1.96 * np.sqrt(0.3 * 0.7 / 5000)
    assert widths[1] == pytest.approx(expected, rel=0.15)
