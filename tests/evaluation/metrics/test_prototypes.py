import numpy as np
import pytest
import torch

from mmpipeline.evaluation.metrics.prototypes import (
    classify,
    draw_references,
    harmonic_mean,
    make_prototypes,
    rank_classes,
    summarize_draws,
)


def test_golden_prototypes_before_scaling() -> None:
    support = torch.tensor([[0.0, 0], [2, 0], [0, 4], [0, 6], [5, 5], [7, 5]], dtype=torch.float64)
    prototypes = make_prototypes(support, [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])])
    means = torch.tensor([[1.0, 0], [0, 5], [6, 5]], dtype=torch.float64)
    torch.testing.assert_close(prototypes, means / means.norm(dim=1, keepdim=True))


def test_draws_are_of_the_class_without_repetition_and_seeded() -> None:
    labels = np.array([0, 1, -1, 0, 0, 1, 2, -1])
    drawn = draw_references(labels, 2, seed=3)
    assert [len(rows) for rows in drawn] == [2, 2, 1]
    for label, rows in enumerate(drawn):
        assert set(labels[rows]) == {label}
        assert len(set(rows.tolist())) == len(rows)
    again = draw_references(labels, 2, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))
    kinds = {tuple(sorted(draw_references(labels, 2, seed=s)[0].tolist())) for s in range(30)}
    assert kinds == {(0, 3), (0, 4), (3, 4)}


def test_the_nearest_prototype_wins_and_ties_lose() -> None:
    prototypes = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    queries = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    assert classify(queries, np.array([0, 1]), prototypes).tolist() == [1, 2]


def test_figures_of_draws() -> None:
    is_known = np.array([True, True, False, False])
    figures = summarize_draws([np.array([1, 2, 1, 9]), np.array([1, 1, 1, 1])], is_known)
    assert figures.top1 == pytest.approx(6 / 8)
    assert figures.top5 == pytest.approx(7 / 8)
    assert figures.known_top1 == pytest.approx(3 / 4)
    assert figures.unknown_top1 == pytest.approx(3 / 4)
    assert figures.harmonic_mean == pytest.approx(3 / 4)
    assert figures.spread == pytest.approx(0.25)


def test_no_unknown_dish_gives_no_figure() -> None:
    figures = summarize_draws([np.array([1, 2])], np.array([True, True]))
    assert np.isnan(figures.unknown_top1)
    assert np.isnan(figures.harmonic_mean)


def test_harmonic_mean_of_the_golden_pair() -> None:
    assert harmonic_mean(0.98, 0.50) == pytest.approx(0.662162, abs=1e-6)
    assert harmonic_mean(0.0, 0.0) == 0.0


def test_small_classes_are_drawn_with_replacement_on_demand() -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1])
    drawn = draw_references(labels, 4, seed=1, replace="auto")
    assert [len(rows) for rows in drawn] == [4, 4]
    assert len(set(drawn[0].tolist())) == 4
    assert set(drawn[1].tolist()) <= {5, 6}
    many = draw_references(labels, 400, seed=1, replace="auto")
    assert [len(set(rows.tolist())) for rows in many] == [5, 2]


def test_ranks_of_scores_are_pessimistic() -> None:
    scores = torch.tensor([[3.0, 1, 2], [1, 1, 0], [float("nan"), 0, 1], [float("-inf"), 1, 1]])
    assert rank_classes(scores, np.array([0, 0, 0, 0])).tolist() == [1, 2, 3, 3]
    assert rank_classes(scores, np.array([2, 2, 2, 2])).tolist() == [2, 3, 1, 2]
