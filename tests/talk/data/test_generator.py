import numpy as np
import pytest

from mmpipeline.config import SyntheticConfig
from mmpipeline.talk.data.generator import generate

SMALL = SyntheticConfig(classes=20, known_classes=5, scopes=(20,), pool_per_class=4000)


def test_moments_are_those_of_the_parameters() -> None:
    data = generate(SMALL)
    for modality, pool in zip(data.parameters, data.pool, strict=True):
        values = pool.astype(np.float64)
        error = modality.deviation / np.sqrt(4000)
        assert (np.abs(values.mean(axis=1) - modality.mean) < 5 * error).all()
        np.testing.assert_allclose(values.std(axis=1), modality.deviation, rtol=0.06)
        kurtosis = ((values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)) ** 4
        per_class = kurtosis.mean(axis=(1, 2))
        np.testing.assert_allclose(per_class[modality.is_uniform], 1.8, atol=0.1)
        np.testing.assert_allclose(per_class[~modality.is_uniform], 3.0, atol=0.3)


def test_dimensions_and_modalities_are_independent() -> None:
    pool = np.concatenate([values[0] for values in generate(SMALL).pool], axis=1)
    correlation = np.corrcoef(pool, rowvar=False) - np.eye(19)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


def test_uniform_samples_fill_their_support_and_stay_inside() -> None:
    data = generate(SMALL)
    for modality, pool in zip(data.parameters, data.pool, strict=True):
        scaled = (pool - modality.mean[:, None]) / modality.deviation[:, None]
        reach = np.abs(scaled).max(axis=1)
        assert (reach[modality.is_uniform] <= np.sqrt(3) + 1e-5).all()
        assert (reach[modality.is_uniform] > 0.99 * np.sqrt(3)).all()
        assert (reach[~modality.is_uniform].max(axis=1) > 2.5).all()


def test_sizes_and_types() -> None:
    data = generate(SyntheticConfig())
    assert [values.shape for values in data.pool] == [(100, 1000, d) for d in (6, 9, 4)]
    assert [values.shape for values in data.test] == [(100, 100, d) for d in (6, 9, 4)]
    assert {values.dtype for values in (*data.pool, *data.test)} == {np.dtype(np.float32)}


def test_the_same_config_gives_the_same_values_and_queries_leave_the_pool_alone() -> None:
    first = generate(SyntheticConfig(seed=3))
    again = generate(SyntheticConfig(seed=3))
    more = generate(SyntheticConfig(seed=3, test_per_class=7))
    other = generate(SyntheticConfig(seed=4))
    for number in range(3):
        assert np.array_equal(first.pool[number], again.pool[number])
        assert np.array_equal(first.pool[number], more.pool[number])
        assert not np.array_equal(first.pool[number], other.pool[number])
        assert not np.array_equal(first.pool[number][:, :100], first.test[number])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modality_dims": (6, 0)}, "at least 1"),
        ({"known_classes": 101}, "must not exceed classes"),
        ({"scopes": (30, 101)}, "between 2 and classes"),
        ({"mean_range": (1.0, 0.0)}, "lower end"),
        ({"deviation_range": (0.0, 1.0)}, "above 0"),
        ({"pool": 3}, "Extra inputs"),
    ],
)
def test_a_config_that_cannot_be_drawn_from_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticConfig(**change)
