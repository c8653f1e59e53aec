from types import SimpleNamespace

import numpy as np
import pytest

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pairs import statistics as input_statistics
from mmpipeline.training.pairs.statistics import measure_inputs


def test_equals_numpy_over_the_rows_that_have_the_modality(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_statistics, "BLOCK_ROWS", 7)
    features = FeatureSet.open(world.features)
    rows = np.arange(0, 60, dtype=np.int32)
    mean, deviation = measure_inputs(features, rows)["image"]
    present = features.matrix("image")[:60][features.presence[:60, 0]].astype(np.float64)
    assert len(present) < 60
    np.testing.assert_allclose(mean, present.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(deviation, present.std(axis=0), atol=1e-6)


def test_a_modality_that_nobody_has_gives_zeros(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    mean, deviation = measure_inputs(features, np.array([0], dtype=np.int32))["image"]
    assert not mean.any()
    assert not deviation.any()
