"""System metrics of the machine while it trains, beside the metrics of each epoch.

Names are MLflow's own, so its page shows them under "System metrics". They are read when an epoch
is logged, not by a thread with a clock of its own: a figure of the processor is the mean since the
epoch before, and what cannot be sent is kept and sent later together with its epoch.
"""

from collections.abc import Mapping
from pathlib import Path

import psutil

from mmpipeline.training.engine.metric_logger import MetricLogger

PREFIX = "system/"
MEGABYTE = 1e6


class SystemMetricLogger:
    """Adds the state of the machine to every epoch that another logger takes.

    Parameters
    ----------
    logger
        Takes everything.
    data_root
        A folder on the disk whose free space counts.
    """

    def __init__(self, logger: MetricLogger, data_root: Path) -> None:
        self._logger = logger
        self._data_root = data_root
        self._process = psutil.Process()
        psutil.cpu_percent()  # what the next call is the mean since

    def log_params(self, params: Mapping[str, object]) -> None:
        """Pass the parameters of a run on."""
        self._logger.log_params(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Pass the metrics of an epoch on, with those of the machine."""
        machine = {f"{PREFIX}{name}": value for name, value in self._read().items()}
        self._logger.log_metrics({**metrics, **machine}, step)

    def _read(self) -> dict[str, float]:
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(self._data_root))
        return {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / MEGABYTE,
            "system_memory_usage_percentage": 100 * memory.used / memory.total,
            "process_memory_usage_megabytes": self._process.memory_info().rss / MEGABYTE,
            "disk_usage_percentage": disk.percent,
            "disk_available_megabytes": disk.free / MEGABYTE,
        }
