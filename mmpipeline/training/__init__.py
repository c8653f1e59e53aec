"""Training of the fusion model from pair tables."""

from mmpipeline.training.loop import train_model
from mmpipeline.training.metric_logger import MetricLogger, NullLogger

__all__ = ["MetricLogger", "NullLogger", "train_model"]
