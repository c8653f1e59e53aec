import numpy as np
import torch
from torch.nn import functional

from mmpipeline.evaluation.metrics.recipe1m_protocol import (
    BAGS,
    draw_bags,
    measure_bags,
    rank_pairs,
)


def test_bags_are_drawn_without_replacement_and_repeat() -> None:
    bags = list(draw_bags(50, 20, seed=3))
    assert len(bags) == BAGS
    assert all(len(np.unique(bag)) == 20 and bag.max() < 50 for bag in bags)
    assert np.array_equal(bags[4], list(draw_bags(50, 20, seed=3))[4])
    assert not np.array_equal(bags[0], bags[1])


def test_a_bag_of_all_is_drawn_once() -> None:
    (bag,) = draw_bags(30, 30, seed=0)
    assert sorted(bag) == list(range(30))


def test_ties_count_against_the_model() -> None:
    assert rank_pairs(torch.ones(5, 3), torch.ones(5, 3)).tolist() == [5] * 5
    assert rank_pairs(torch.eye(4), torch.eye(4)).tolist() == [1] * 4


def test_few_recipes_make_no_bag() -> None:
    assert measure_bags(torch.eye(999), torch.eye(999), seed=0) == {}


def test_means_over_bags_equal_a_naive_loop() -> None:
    generator = torch.Generator().manual_seed(5)
    asked = functional.normalize(torch.randn(1200, 16, generator=generator), dim=1)
    answered = functional.normalize(asked + 0.4 * torch.randn(1200, 16, generator=generator), dim=1)
    figures = measure_bags(asked, answered, seed=7)
    medians, hits = [], []
    for bag in draw_bags(1200, 1000, seed=7):
        scores = (asked[bag] @ answered[bag].T).numpy()
        ranks = (scores >= np.diag(scores)[:, None]).sum(axis=1)
        medians.append(np.median(ranks))
        hits.append((ranks <= 5).mean())
    assert np.isclose(figures["1k_median_rank"], np.mean(medians))
    assert np.isclose(figures["1k_recall_at_5"], np.mean(hits))
    assert np.isclose(figures["1k_median_rank_spread"], np.std(medians))
    assert figures["1k_recall_at_10_chance"] == 0.01
    assert not any(name.startswith("10k") for name in figures)
