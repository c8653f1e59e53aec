"""What a score means: chances that rise with it, and a threshold between known and strange."""

import numpy as np
import pytest

from mmpipeline.search.vectors.calibration import (
    Calibration,
    choose_threshold,
    fit_curve,
    measure_curve,
)

RANDOM = np.random.default_rng(3)
SCORES = RANDOM.uniform(0, 1, 4000)
RIGHT = RANDOM.random(4000) < 1 / (1 + np.exp(-12 * (SCORES - 0.6)))


def test_chances_are_those_that_the_scores_were_drawn_with() -> None:
    curve = fit_curve(SCORES, RIGHT)
    assert curve is not None
    for score in (0.3, 0.6, 0.9):
        assert curve.chance(score) == pytest.approx(1 / (1 + np.exp(-12 * (score - 0.6))), abs=0.03)
    error, of_share = measure_curve(SCORES, RIGHT, np.arange(4000))
    assert error < 0.6 * of_share


def test_nothing_to_tell_apart_is_no_curve() -> None:
    assert fit_curve(SCORES, np.ones(4000, np.bool_)) is None
    assert fit_curve(SCORES[:3], RIGHT[:3]) is None


def test_the_threshold_lies_between_and_is_measured_on_others() -> None:
    here, out_of_set = RANDOM.normal(0.8, 0.05, 400), RANDOM.normal(0.5, 0.05, 400)
    threshold = choose_threshold(here, out_of_set)
    assert threshold is not None
    assert 0.55 < threshold.score < 0.75
    assert min(threshold.kept, threshold.stopped, threshold.auroc) > 0.98
    same = choose_threshold(here, here)
    assert same is not None
    assert same.auroc == pytest.approx(0.5)
    assert choose_threshold(here[:3], out_of_set) is None


def test_it_survives_being_written() -> None:
    curve, cut = fit_curve(SCORES, RIGHT), choose_threshold(SCORES, SCORES - 0.5)
    assert curve is not None
    assert cut is not None
    made = Calibration({"title": curve}, {"title": curve}, {"title": cut}, {"x": 1.0})
    assert Calibration.from_json(made.to_json()) == made
    assert made.threshold(("title",)) == cut.score
    assert made.hit_chance(("title",), 0.6) == pytest.approx(curve.chance(0.6))
    assert Calibration().threshold(("title",)) is None
