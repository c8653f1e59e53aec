import numpy as np
import pytest

from mmpipeline.talk.measure.out_of_set import open_set_figures


def test_against_loops_over_pairs() -> None:
    generator = np.random.default_rng(0)
    enrolled = generator.integers(0, 8, 40) + 2.0
    out_of_set = generator.integers(0, 8, 30).astype(float)
    is_right = generator.random(40) < 0.8
    figures = open_set_figures(enrolled, is_right, out_of_set)
    pairs = [(own, other) for own in enrolled for other in out_of_set]
    auroc = np.mean([(own > other) + 0.5 * (own == other) for own, other in pairs])
    assert figures.auroc == pytest.approx(auroc)
    accepting = [t for t in enrolled if (enrolled >= t).mean() >= 0.95]
    assert figures.fpr95 == pytest.approx((out_of_set >= max(accepting)).mean())
    named = enrolled[is_right]
    oscr = np.mean([(named > other).sum() / 40 for other in out_of_set])
    assert figures.oscr == pytest.approx(oscr)


def test_perfect_separation_and_none() -> None:
    right = np.array([True, True, False, True])
    apart = open_set_figures(np.full(4, 1.0), right, np.zeros(3))
    assert (apart.auroc, apart.fpr95, apart.oscr) == (1.0, 0.0, 0.75)
    alike = open_set_figures(np.zeros(4), right, np.zeros(3))
    assert (alike.auroc, alike.fpr95, alike.oscr) == (0.5, 1.0, 0.0)


def test_infinite_scores_are_ranks_like_others() -> None:
    figures = open_set_figures(np.array([1.0, 2.0]), np.array([True, True]), np.array([-np.inf]))
    assert (figures.auroc, figures.oscr) == (1.0, 1.0)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="strangers"):
        open_set_figures(np.ones(2), np.ones(2, dtype=bool), np.ones(0))
    with pytest.raises(ValueError, match="not a number"):
        open_set_figures(np.array([np.nan]), np.ones(1, dtype=bool), np.ones(1))
