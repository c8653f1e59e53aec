"""Training: one loop for any module, source of batches and objective; the fusion model with it."""

from mmpipeline.training.engine.batch_source import (
    BatchSource,
    GeneratedSource,
    TensorBatch,
    TensorSource,
)
from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.fit import TrainingResult, fit
from mmpipeline.training.engine.hooks import Hooks
from mmpipeline.training.engine.metric_logger import MetricLogger, NullLogger
from mmpipeline.training.engine.objective import EmbeddingObjective, Objective
from mmpipeline.training.pairs.train import train_model
from mmpipeline.training.recipes.train import train_food_model

__all__ = [
    "BatchSource",
    "Checkpoints",
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
    "train_food_model",
    "train_model",
]
