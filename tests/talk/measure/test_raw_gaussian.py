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
from tests.talk.synthetic_worlds import small_bench


def test_shrinkage_is_chosen_from_known_pool_samples_alone() -> None:
    bench = small_bench()
    chosen = RawGaussian(bench, seed=0).shrinkage(5, (0, 1))
    for number in range(3):
        bench.pool[number][4:] = float("nan")
        bench.test[number][:] = float("nan")
    assert RawGaussian(bench, seed=0).shrinkage(5, (0, 1)) == chosen


def test_few_references_need_more_shrinkage_than_many() -> None:
    method = RawGaussian(small_bench(), seed=0)
    assert method.shrinkage(5, (0, 1, 2)) > method.shrinkage(30, (0, 1, 2))


def test_scores_are_the_rule_at_the_chosen_shrinkage() -> None:
    bench = small_bench()
    method = RawGaussian(bench, seed=0)
    rows = bench.draw(20, seed=3)[0]
    ((name, scores),) = method.scores(rows, (1,), (1,))
    rule = GaussianRule("diagonal", method.shrinkage(20, (1,)))
    assert name == "gaussian_diagonal"
    torch.testing.assert_close(scores, rule(bench.test[1], bench.gather(rows)[1]))


def test_the_best_on_the_queries_is_never_behind() -> None:
    bench = small_bench()
    rows = bench.draw(10, seed=3)[0]
    ((_, best),) = BestRawGaussian(bench).scores(rows, (0, 1), (0, 1))
    queries = torch.cat([bench.test[0], bench.test[1]], dim=1)
    gathered = bench.gather(rows)
    shares = accuracies(queries, bench.query_label, torch.cat(gathered[:2], dim=2))
    assert len(shares) == len(SHRINKAGES)
    right = (best.argmax(dim=1).numpy() == bench.query_label).mean()
    assert right == pytest.approx(np.max(shares))


@pytest.mark.parametrize("kind", ["chosen", "best"])
def test_there_is_no_answer_for_too_few_references_or_across_subsets(kind: str) -> None:
    bench = small_bench()
    method = RawGaussian(bench, seed=0) if kind == "chosen" else BestRawGaussian(bench)
    assert not list(method.scores(bench.draw(4, seed=0)[0], (0,), (0,)))
    assert not list(method.scores(bench.draw(9, seed=0)[0], (0,), (0, 1)))
