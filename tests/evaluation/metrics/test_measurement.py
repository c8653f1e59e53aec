import numpy as np
import pytest
import torch

from mmpipeline.evaluation.metrics.measurement import compare
from mmpipeline.evaluation.metrics.retrieval import Relevance, rank_queries

NOTHING = np.full(4, -1)
RELEVANCE = Relevance(np.array([0, 1, 2, -1]), np.array([0, 1, 2, 3]), NOTHING, NOTHING)


def test_sets_learned_beside_raw_and_chance() -> None:
    perfect, constant = torch.eye(4), torch.ones(4, 4)
    comparison, answerable = compare(
        lambda q: perfect[q],
        {"raw": lambda relevance: rank_queries(lambda q: constant[q], relevance)},
        RELEVANCE,
    )
    assert answerable.tolist() == [True, True, True, False]
    figures = comparison.figures(seed=0)
    assert figures["queries"] == 3
    assert (figures["recall_at_1"], figures["recall_at_1_raw"]) == (1.0, 0.0)
    assert (figures["median_rank"], figures["median_rank_raw"]) == (1.0, 4.0)
    assert figures["recall_at_1_chance"] == pytest.approx(0.25)
    assert (figures["recall_at_1_low"], figures["recall_at_1_high"]) == (1.0, 1.0)


def test_without_raw_there_are_no_raw_figures() -> None:
    perfect = torch.eye(4)
    comparison, _ = compare(lambda q: perfect[q], {}, RELEVANCE)
    assert not any(name.endswith("_raw") for name in comparison.figures(seed=0))


def test_a_part_of_the_queries() -> None:
    scores = torch.tensor([[1.0, 0, 0, 0], [1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]])
    comparison, _ = compare(lambda q: scores[q], {}, RELEVANCE)
    assert comparison.learned.tolist() == [1, 4, 1]
    assert comparison.only(np.array([False, True, False])).figures(0)["recall_at_1"] == 0.0
    assert comparison.only(np.zeros(3, dtype=np.bool_)).figures(0) == {"queries": 0.0}
