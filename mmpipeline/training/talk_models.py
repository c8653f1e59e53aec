"""The talk's own models: pairs by cosine or by distance, on the known classes of synthetic data.

Three fully connected layers a modality and two for the fusion, as drawn on the slides. One model
serves all subsets: each row of a batch shows a random one. What the slides leave open (widths,
optimiser, steps) is configuration; nothing is chosen by a score, so nothing of the unknown classes
is seen. They are the baseline that is reproduced, not what to use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mmpipeline.config import FitConfig, TalkModelConfig
from mmpipeline.evaluation.synthetic_bench import SyntheticBench
from mmpipeline.losses import cosine_pair_loss, euclid_pair_loss
from mmpipeline.models import FusionModel, ModelOptions, save_model
from mmpipeline.storage import write_json_atomic
from mmpipeline.training.batch_source import GeneratedSource
from mmpipeline.training.checkpoints import Checkpoints
from mmpipeline.training.determinism import determinism, digest_values
from mmpipeline.training.fit import Hooks, fit
from mmpipeline.training.masks import draw_subsets
from mmpipeline.training.metric_logger import MetricLogger
from mmpipeline.training.objective import EmbeddingObjective, Metrics

STEPS_PER_ROUND = 100


@dataclass(frozen=True, slots=True)
class ShownSamples:
    """Samples of several classes, each showing a subset of its modalities.

    Attributes
    ----------
    inputs
        One entry a modality, shape (B, D).
    mask
        Shape (B, M), bool: what each shows.
    label
        Shape (B,), int64.
    """

    inputs: tuple[Tensor, ...]
    mask: Tensor
    label: Tensor

    def split(self, parts: int) -> list["ShownSamples"]:
        """Cut the samples into parts of sizes that differ by one at most."""
        inputs = zip(*(rows.tensor_split(parts) for rows in self.inputs), strict=True)
        rest = (self.mask.tensor_split(parts), self.label.tensor_split(parts))
        return [ShownSamples(*part) for part in zip(inputs, *rest, strict=True)]


def train_talk_model(
    bench: SyntheticBench,
    target: Path,
    config: TalkModelConfig,
    logger: MetricLogger,
    checkpoints: Checkpoints | None = None,
) -> dict[str, float]:
    """Train one of the talk's models on the known classes.

    Writes ``model.safetensors``, ``model.json`` and ``metrics.json`` into `target`.

    Parameters
    ----------
    bench
        The data.
    target
        Folder to write into.
    config
        The loss and the training.
    logger
        Gets the parameters once and the loss every hundred steps.
    checkpoints
        Where a training that was killed goes on from; None starts anew.

    Returns
    -------
    dict
        ``steps``, ``train_loss`` of the last round, ``parameters`` and ``resumed_at``.

    Raises
    ------
    CheckpointError
        If a checkpoint is damaged, or of other data or another config.
    StageError
        If the loss is not a number.
    """
    logger.log_params(config.model_dump())
    model = make_talk_model([pool.shape[-1] for pool in bench.pool], config)
    known = [pool[: bench.data.config.known_classes] for pool in bench.pool]
    source = GeneratedSource(
        partial(draw_batch, known, config.rows_per_class),
        config.seed,
        digest_values(bench.data.config.model_dump(mode="json")),
    )
    identity = {"experiment": digest_values(config.model_dump(mode="json"))}
    result = fit(
        model,
        source,
        talk_objective(config),
        fit_config(config),
        Hooks(logger, checkpoints, None, identity),
    )
    counts = {
        "steps": float(result.steps),
        "train_loss": result.history[-1]["train_loss"],
        "parameters": float(sum(p.numel() for p in model.parameters())),
    }
    save_model(model, target)
    write_json_atomic(target / "metrics.json", {"summary": counts, "rounds": result.history})
    return counts | {"resumed_at": float(result.resumed_at)}


def make_talk_model(dims: Sequence[int], config: TalkModelConfig) -> FusionModel:
    """Make a model of the slides' layers with seeded weights.

    Parameters
    ----------
    dims
        Width of each modality.
    config
        Widths, and the loss: distances are taken between plain vectors.

    Returns
    -------
    FusionModel
        Its modalities are named by their numbers.
    """
    options = ModelOptions(plain=True, unit_length=config.loss == "cosine")
    named = {str(number): dim for number, dim in enumerate(dims)}
    with determinism(config.seed):
        return FusionModel(named, config.hidden_dim, config.embedding_dim, options=options)


def fit_config(config: TalkModelConfig) -> FitConfig:
    """Say how a model of the talk is trained.

    Parameters
    ----------
    config
        The model's settings.

    Returns
    -------
    FitConfig
        Rounds of a hundred steps, or one of them all.
    """
    steps = min(config.steps, STEPS_PER_ROUND)
    return FitConfig(
        seed=config.seed,
        rounds=config.steps // steps,
        steps_per_round=steps,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
    )


def draw_batch(
    pool: Sequence[Tensor], rows_per_class: int, generator: np.random.Generator
) -> ShownSamples:
    """Draw samples of every class, each with a random nonempty subset of modalities.

    Parameters
    ----------
    pool
        One entry a modality, shape (C, P, D).
    rows_per_class
        Samples of each class.
    generator
        Source of randomness.

    Returns
    -------
    ShownSamples
        C times `rows_per_class` of them.
    """
    classes, size = pool[0].shape[:2]
    label = np.repeat(np.arange(classes), rows_per_class)
    rows = generator.integers(size, size=len(label))
    mask = draw_subsets(np.ones((len(label), len(pool)), dtype=np.bool_), generator)
    return ShownSamples(
        tuple(values[label, rows] for values in pool),
        torch.from_numpy(mask),
        torch.from_numpy(label),
    )


def talk_objective(config: TalkModelConfig) -> EmbeddingObjective[ShownSamples]:
    """Return what the talk minimises.

    Parameters
    ----------
    config
        The loss and its margin.

    Returns
    -------
    EmbeddingObjective
        Over all pairs of a batch; samples of one class are similar.
    """

    def encode(module: nn.Module, batch: ShownSamples) -> Tensor:
        inputs = {str(number): rows for number, rows in enumerate(batch.inputs)}
        vectors: Tensor = module(inputs, batch.mask)
        return vectors

    def compare(_: nn.Module, vectors: Tensor, batch: ShownSamples) -> tuple[Tensor, Metrics]:
        itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
        positive = (batch.label[:, None] == batch.label) & ~itself
        if config.loss == "cosine":
            return cosine_pair_loss(vectors, vectors, positive, itself), {}
        return euclid_pair_loss(vectors, vectors, positive, itself, config.margin), {}

    return EmbeddingObjective(encode, compare, ShownSamples.split)
