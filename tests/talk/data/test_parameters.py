import numpy as np
import pytest

from mmpipeline.config import SCALAR_DATA, SyntheticConfig
from mmpipeline.talk.data.parameters import draw_parameters

MANY = SyntheticConfig(classes=2000, scopes=(2000,))


def test_shapes_and_ranges_follow_the_config() -> None:
    parameters = draw_parameters(MANY)
    assert [modality.mean.shape for modality in parameters] == [(2000, 6), (2000, 9), (2000, 4)]
    for modality in parameters:
        for values, low, high in ((modality.mean, 0.0, 1.0), (modality.deviation, 0.1, 0.5)):
            assert low <= values.min() < values.max() <= high
            assert values.mean() == pytest.approx((low + high) / 2, abs=0.01)
            assert values.var() == pytest.approx((high - low) ** 2 / 12, rel=0.05)
        assert modality.is_uniform.mean() == pytest.approx(0.5, abs=0.05)
    assert not np.array_equal(parameters[0].is_uniform, parameters[1].is_uniform)


def test_scalar_parameters_are_shared_by_the_dimensions() -> None:
    for modality in draw_parameters(SCALAR_DATA):
        assert (modality.mean == modality.mean[:, :1]).all()
        assert (modality.deviation == modality.deviation[:, :1]).all()
        assert modality.is_uniform.all()
        assert len(np.unique(modality.mean)) == SCALAR_DATA.classes


def test_a_modality_may_have_a_family_of_its_own() -> None:
    config = SyntheticConfig(families=("uniform", "normal", "mixed"))
    shares = [modality.is_uniform.mean() for modality in draw_parameters(config)]
    assert shares[:2] == [1.0, 0.0]
    assert 0 < shares[2] < 1


def test_the_seed_decides_the_classes() -> None:
    first, again, other = (
        draw_parameters(SyntheticConfig(seed=seed))[0].mean for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
