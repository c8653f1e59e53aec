"""The metric logger that training reports to: a protocol, so that no tracker is known here."""

from collections.abc import Mapping
from typing import Protocol


class MetricLogger(Protocol):
    """Takes the parameters of a run once and its metrics once an epoch."""

    def log_params(self, params: Mapping[str, object]) -> None:
        """Take the run's parameters.

        Parameters
        ----------
        params
            By name; values are shown as text.
        """

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Take all metrics of one epoch at once.

        Parameters
        ----------
        metrics
            By name.
        step
            The epoch, from 1.
        """


class NullLogger:
    """Drops everything: for training without a tracker."""

    def log_params(self, params: Mapping[str, object]) -> None:
        """Drop the parameters."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Drop the metrics."""
