"""Training: one loop for any module, source of batches and objective; the fusion model with it."""

from mmpipeline.training.batch_source import (
    BatchSource,
    GeneratedSource,
    TensorBatch,
    TensorSource,
)
from mmpipeline.training.checkpoints import Checkpoints
from mmpipeline.training.class_selector import ClassSelector, hold_out_classes
from mmpipeline.training.fit import Hooks, TrainingResult, fit
from mmpipeline.training.food import train_food_model
from mmpipeline.training.loop import train_model
from mmpipeline.training.metric_logger import MetricLogger, NullLogger
from mmpipeline.training.objective import EmbeddingObjective, Objective

__all__ = [
    "BatchSource",
    "Checkpoints",
    "ClassSelector",
    "EmbeddingObjective",
    "GeneratedSource",
    "Hooks",
    "MetricLogger",
    "NullLogger",
    "Objective",
    "TensorBatch",
    "TensorSource",
    "TrainingResult",
    "fit",
    "hold_out_classes",
    "train_food_model",
    "train_model",
]
