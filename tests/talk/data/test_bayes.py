import math

import numpy as np
import pytest

from mmpipeline.config import SyntheticConfig
from mmpipeline.talk.data.bayes import bayes_bound, bayes_scores, log_densities
from mmpipeline.talk.data.generator import generate
from mmpipeline.talk.data.parameters import ModalityParameters
from mmpipeline.talk.data.subsets import all_subsets


def naive_log_density(mean: float, deviation: float, is_uniform: bool, value: float) -> float:
    if not is_uniform:
        scaled = (value - mean) / deviation
        return -(scaled**2) / 2 - math.log(deviation * math.sqrt(2 * math.pi))
    half = math.sqrt(3) * deviation
    return -math.log(2 * half) if abs(value - mean) <= half * (1 + 1e-6) else -math.inf


def test_bound_against_brute_force() -> None:
    config = SyntheticConfig(
        classes=8, known_classes=3, scopes=(3, 8), pool_per_class=2, test_per_class=6
    )
    data = generate(config)
    bounds = bayes_bound(data)
    assert len(bounds) == 7 * 2
    for (subset, scope), bound in bounds.items():
        first = first_five = 0
        for label in range(scope):
            for row in range(6):
                scores = [
                    sum(
                        naive_log_density(
                            modality.mean[c, d],
                            modality.deviation[c, d],
                            bool(modality.is_uniform[c]),
                            float(data.test[m][label, row, d]),
                        )
                        for m in subset
                        for modality in [data.parameters[m]]
                        for d in range(modality.mean.shape[1])
                    )
                    for c in range(scope)
                ]
                ahead = sum(s >= scores[label] for c, s in enumerate(scores) if c != label)
                first += ahead < 1
                first_five += ahead < 5
        assert bound.top1 == pytest.approx(first / (6 * scope))
        assert bound.top5 == pytest.approx(first_five / (6 * scope))
        assert bound.error == pytest.approx(math.sqrt(bound.top1 * (1 - bound.top1) / (6 * scope)))


def test_densities_integrate_to_one() -> None:
    modality = ModalityParameters(
        mean=np.array([[0.3], [0.7]]),
        deviation=np.array([[0.2], [0.4]]),
        is_uniform=np.array([True, False]),
    )
    grid = np.linspace(-4, 5, 200_001)
    densities = np.exp(log_densities(modality, grid[:, None]))
    np.testing.assert_allclose(densities.mean(axis=0) * 9, 1.0, rtol=1e-4)


def test_every_sample_lies_in_the_support_of_its_own_class() -> None:
    data = generate(SyntheticConfig(families=("uniform",), pool_per_class=2))
    scores = bayes_scores(data.parameters, data.test, (0, 1, 2))
    own = scores[np.arange(10_000), np.repeat(np.arange(100), 100)]
    assert np.isfinite(own).all()
    assert np.isneginf(scores).any()


def test_twins_tie_and_ties_count_against_the_rule() -> None:
    config = SyntheticConfig(classes=2, known_classes=2, scopes=(2,), mean_range=(0.5, 0.5),
                             deviation_range=(0.2, 0.2), families=("normal",))  # fmt: skip
    assert {bound.top1 for bound in bayes_bound(generate(config)).values()} == {0.0}


def test_more_modalities_and_fewer_classes_are_easier() -> None:
    bounds = bayes_bound(generate(SyntheticConfig()))
    for subset in all_subsets(3):
        assert bounds[subset, 30].top1 > bounds[subset, 51].top1 > bounds[subset, 100].top1
        assert bounds[(0, 1, 2), 100].top1 >= bounds[subset, 100].top1
    assert 0.985 < bounds[(0, 1, 2), 100].top1 < 0.995


def test_an_empty_subset_is_refused() -> None:
    data = generate(SyntheticConfig(pool_per_class=2, test_per_class=1))
    with pytest.raises(ValueError, match="no modality"):
        bayes_scores(data.parameters, data.test, ())
