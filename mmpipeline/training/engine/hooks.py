"""Hooks of a training: its logger, its checkpoints, and what scores the module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.metric_logger import MetricLogger, NullLogger

Selector = Callable[[nn.Module], Mapping[str, float]]
SCORE = "val_score"


@dataclass(frozen=True, slots=True)
class Hooks:
    """What goes along with a training.

    Attributes
    ----------
    logger
        Gets the metrics of each round.
    checkpoints
        Where states are stored and found again; None stores nothing.
    selector
        Scores the module after each round: figures by name, among them ``val_score``, of which
        the highest decides; without it no weights are chosen by this round. None keeps the last.
    identity
        Further digests that a checkpoint must agree with (of the objective's settings, say).
    """

    logger: MetricLogger = field(default_factory=NullLogger)
    checkpoints: Checkpoints | None = None
    selector: Selector | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
