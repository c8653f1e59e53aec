import numpy as np
import pytest
import torch

from mmpipeline.talk.measure.raw_gaussian import (
    SHRINKAGES,
    BestRawGaussian,
    RawGaussian,
    accuracies,
)
from mmpipeline.talk.measure.rules import GaussianRule
from tests.talk.synthetic_worlds import small_suite


def test_shrinkage_is_chosen_from_known_pool_samples_alone() -> None:
    suite = small_suite()
    chosen = RawGaussian(suite, seed=0).shrinkage(5, (0, 1))
    for number in range(3):
        suite.pool[number][4:] = float("nan")
        suite.test[number][:] = float("nan")
    assert RawGaussian(suite, seed=0).shrinkage(5, (0, 1)) == chosen


def test_few_references_need_more_shrinkage_than_many() -> None:
    method = RawGaussian(small_suite(), seed=0)
    assert method.shrinkage(5, (0, 1, 2)) > method.shrinkage(30, (0, 1, 2))


def test_scores_are_the_rule_at_the_chosen_shrinkage() -> None:
    suite = small_suite()
    method = RawGaussian(suite, seed=0)
    rows = suite.draw(20, seed=3)[0]
    ((name, scores),) = method.scores(rows, (1,), (1,))
    rule = GaussianRule("diagonal", method.shrinkage(20, (1,)))
    assert name == "gaussian_diagonal"
    torch.testing.assert_close(scores, rule(suite.test[1], suite.gather(rows)[1]))


def test_the_best_on_the_queries_is_never_behind() -> None:
    suite = small_suite()
    rows = suite.draw(10, seed=3)[0]
    ((_, best),) = BestRawGaussian(suite).scores(rows, (0, 1), (0, 1))
    queries = torch.cat([suite.test[0], suite.test[1]], dim=1)
    gathered = suite.gather(rows)
    shares = accuracies(queries, suite.query_label, torch.cat(gathered[:2], dim=2))
    assert len(shares) == len(SHRINKAGES)
    right = (best.argmax(dim=1).numpy() == suite.query_label).mean()
    assert right == pytest.approx(np.max(shares))


@pytest.mark.parametrize("kind", ["chosen", "best"])
def test_there_is_no_answer_for_too_few_references_or_across_subsets(kind: str) -> None:
    suite = small_suite()
    method = RawGaussian(suite, seed=0) if kind == "chosen" else BestRawGaussian(suite)
    assert not list(method.scores(suite.draw(4, seed=0)[0], (0,), (0,)))
    assert not list(method.scores(suite.draw(9, seed=0)[0], (0,), (0, 1)))
