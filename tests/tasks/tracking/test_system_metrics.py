"""Every epoch carries the state of the machine, under MLflow's names."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tasks.tracking.system_metrics import SystemMetricLogger


class Kept:
    """A logger that keeps what it takes."""

    def __init__(self) -> None:
        self.params: dict[str, object] = {}
        self.epochs: dict[int, dict[str, float]] = {}

    def log_params(self, params: Mapping[str, object]) -> None:
        self.params |= params

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self.epochs[step] = dict(metrics)


def test_the_metrics_of_an_epoch_are_passed_on_beside_those_of_the_machine(tmp_path: Path) -> None:
    kept = Kept()
    logger = SystemMetricLogger(kept, tmp_path)
    logger.log_params({"lr": 0.1})
    logger.log_metrics({"train_loss": 2.5}, 1)
    logger.log_metrics({"train_loss": 1.5}, 2)
    assert kept.params == {"lr": 0.1}
    assert [kept.epochs[step]["train_loss"] for step in (1, 2)] == [2.5, 1.5]
    machine = {name: value for name, value in kept.epochs[2].items() if name != "train_loss"}
    assert all(name.startswith("system/") for name in machine)
    memory = psutil.virtual_memory()
    free_mb = psutil.disk_usage(str(tmp_path)).free / 1e6
    own_mb = psutil.Process().memory_info().rss / 1e6
    assert 0 < machine["system/system_memory_usage_megabytes"] < memory.total / 1e6
    assert 0 < machine["system/system_memory_usage_percentage"] < 100
    assert machine["system/process_memory_usage_megabytes"] == pytest.approx(own_mb, rel=0.5)
    assert machine["system/disk_available_megabytes"] == pytest.approx(free_mb, rel=0.2)


def test_the_processor_is_a_mean_since_the_epoch_before(tmp_path: Path) -> None:
    kept = Kept()
    logger = SystemMetricLogger(kept, tmp_path)
    before = sum(psutil.Process().cpu_times()[:2])
    while sum(psutil.Process().cpu_times()[:2]) < before + 0.2:
        pass
    logger.log_metrics({}, 1)
    assert 0 < kept.epochs[1]["system/cpu_utilization_percentage"] <= 100
