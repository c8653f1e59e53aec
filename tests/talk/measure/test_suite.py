import numpy as np
import torch

from mmpipeline.talk.data import Subset
from mmpipeline.talk.measure.rules import GaussianRule, MeanRule
from mmpipeline.talk.measure.suite import EmbeddingMethod, Inputs, concatenate
from tests.talk.synthetic_worlds import small_suite


def test_inputs_are_standardised_by_the_known_classes_alone() -> None:
    suite = small_suite()
    for pool, raw, test, raw_test in zip(
        suite.pool, suite.data.pool, suite.test, suite.data.test, strict=True
    ):
        known = pool[:4].flatten(0, 1)
        torch.testing.assert_close(known.mean(0), torch.zeros(pool.shape[2]), atol=1e-5, rtol=0)
        torch.testing.assert_close(
            known.std(0, correction=0), torch.ones(pool.shape[2]), atol=1e-5, rtol=0
        )
        mean, deviation = raw[:4].mean((0, 1)), raw[:4].std((0, 1))
        expected = (raw_test.reshape(-1, raw_test.shape[2]) - mean) / deviation
        np.testing.assert_allclose(test.numpy(), expected, atol=1e-5)


def test_queries_come_in_the_order_of_their_classes() -> None:
    suite = small_suite()
    assert suite.query_label.tolist() == [label for label in range(12) for _ in range(20)]
    assert suite.is_known.sum() == 4 * 20


def test_draws_are_seeded_and_repeat_only_when_they_must() -> None:
    suite = small_suite()
    rows, replaced = suite.draw(60, seed=1)
    assert not replaced
    assert all(sorted(drawn) == list(range(60)) for drawn in rows.tolist())
    rows, replaced = suite.draw(61, seed=1)
    assert replaced
    assert rows.shape == (12, 61)
    assert rows.max() == 59
    first, again, other = (suite.draw(5, seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    gathered = suite.gather(first)
    assert torch.equal(gathered[1][3, 2], suite.pool[1][3, first[3, 2]])


def test_each_subset_is_embedded_once_and_scored_by_each_rule() -> None:
    suite = small_suite()
    calls: list[tuple[int, Subset]] = []

    def embed(inputs: Inputs, subset: Subset) -> torch.Tensor:
        calls.append((len(inputs[0]), subset))
        return concatenate(inputs, subset)

    rules = [MeanRule("euclid"), GaussianRule("diagonal", 0.1)]
    method = EmbeddingMethod("some", suite, embed, rules)
    rows = suite.draw(6, seed=0)[0]
    for _ in range(2):
        found = dict(method.scores(rows, (0, 2), (0, 2)))
    assert sorted(calls) == [(12 * 20, (0, 2)), (12 * 60, (0, 2))]
    gathered = suite.gather(rows)
    references = torch.cat([gathered[0], gathered[2]], dim=2)
    queries = torch.cat([suite.test[0], suite.test[2]], dim=1)
    torch.testing.assert_close(found["mean_euclid"], rules[0](queries, references))
    torch.testing.assert_close(found["gaussian_diagonal"], rules[1](queries, references))


def test_raw_values_of_different_subsets_are_not_compared() -> None:
    suite = small_suite()
    method = EmbeddingMethod("raw", suite, concatenate, [MeanRule()], across=False)
    rows = suite.draw(5, seed=0)[0]
    assert not list(method.scores(rows, (0,), (0, 1)))
    assert len(list(method.scores(rows, (0,), (0,)))) == 1
