import pytest

from mmpipeline.errors import ConfigError
from mmpipeline.models.device import CPU, compute_device
from tasks.runtime.device import chosen_device


def test_the_environment_says_where_models_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMPIPELINE_DEVICE", "cpu")
    with chosen_device() as device:
        assert device == compute_device() == CPU
    monkeypatch.setenv("MMPIPELINE_DEVICE", "tpu")
    with pytest.raises(ConfigError, match="MMPIPELINE_DEVICE"), chosen_device():
        pass
