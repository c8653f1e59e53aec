"""The training stage: a fusion model from pair tables, contrastively.

Every item of a batch shows a random subset of what it has, so positives meet across modalities
and one model serves every kind of query. The weights of the epoch with the best validation score
are kept; training stops when it has not improved for a while. On one machine the same inputs give
the same bytes: seeds are fixed and torch is held to deterministic algorithms, which costs little
on a CPU.
"""

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mmpipeline.config import TrainConfig
from mmpipeline.errors import StageError
from mmpipeline.evaluation.embedding import gather_features
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.losses import supervised_contrastive_loss
from mmpipeline.models import FusionModel, save_model
from mmpipeline.schemas import MODALITIES
from mmpipeline.storage import write_json_atomic
from mmpipeline.training.batches import PairBatch, PairBatches
from mmpipeline.training.input_statistics import measure_inputs
from mmpipeline.training.masks import draw_masks
from mmpipeline.training.metric_logger import MetricLogger
from mmpipeline.training.pair_table import PairTable
from mmpipeline.training.validation import Validator


def train_model(
    features: Path, pairs: Path, target: Path, config: TrainConfig, logger: MetricLogger
) -> dict[str, float]:
    """Train a fusion model on the training pairs.

    Writes ``model.safetensors``, ``model.json`` and ``metrics.json`` into `target`.

    Parameters
    ----------
    features, pairs
        Folders of finished artifacts, made from one catalogue.
    target
        Folder to write into.
    config
        The model and its training.
    logger
        Gets the parameters once and the metrics once an epoch.

    Returns
    -------
    dict
        ``pairs``, ``anchors``, ``pairs_dropped``, ``epochs``, ``best_epoch``, ``train_loss``,
        ``parameters`` and, with validation pairs, the best epoch's ``val_score``.

    Raises
    ------
    ArtifactError
        If an artifact is damaged or they do not belong together.
    StageError
        If there are no training pairs with both labels, or the loss is not a number.
    """
    feature_set = FeatureSet.open(features)
    table = PairTable.open(pairs, feature_set, "train")
    val_table = PairTable.open(pairs, feature_set, "val")
    _check_labels(table)
    if config.shuffle_labels:
        table = table.shuffle_labels(config.seed)
    logger.log_params(config.model_dump())
    with _determinism(config.seed):
        trainer = Trainer(feature_set, table, config)
        validator = Validator(feature_set, val_table, config.seed)
        history = _fit(trainer, validator, config, logger)
    save_model(trainer.model, target)
    best = history[-1] if "val_score" not in history[-1] else max(history, key=_val_score)
    counts = {
        "pairs": float(len(table)),
        "anchors": float(len(table.summary.anchors)),
        "pairs_dropped": float(table.summary.dropped),
        "epochs": float(len(history)),
        "best_epoch": best["epoch"],
        "train_loss": best["train_loss"],
        "parameters": float(sum(p.numel() for p in trainer.model.parameters())),
    }
    counts |= {"val_score": best["val_score"]} if "val_score" in best else {}
    write_json_atomic(target / "metrics.json", {"summary": counts, "epochs": history})
    return counts


class Trainer:
    """A model in training: optimiser, schedule, and one step after the other.

    Parameters
    ----------
    features
        The feature set.
    table
        Training pairs.
    config
        The model and its training.
    """

    def __init__(self, features: FeatureSet, table: PairTable, config: TrainConfig) -> None:
        self._features = features
        self._config = config
        self._batches = PairBatches(
            table, config.anchors_per_batch, config.seed, config.anchors_per_dish
        )
        self.model = FusionModel(
            {name: features.dims[name] for name in MODALITIES},
            config.hidden_dim,
            config.embedding_dim,
            config.dropout,
        )
        self.model.standardize(measure_inputs(features, np.unique(table.summary.anchors)))
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self._optimizer, T_max=config.epochs * len(self._batches)
        )
        self.steps = 0

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Go once through the pairs.

        Parameters
        ----------
        epoch
            From 1; with the seed it fixes the order and the masks.

        Returns
        -------
        dict
            ``train_loss`` (mean over batches), ``learning_rate`` (at the end) and ``items``
            (encoded in the epoch).

        Raises
        ------
        StageError
            If the loss is not finite: names the step and the recipes of the batch.
        """
        self.model.train()
        generator = np.random.default_rng([self._config.seed, epoch, 1])
        losses: list[Tensor] = []
        items = 0
        for batch in self._batches.epoch(epoch):
            loss = self.take_step(batch, *load_inputs(self._features, batch, generator))
            losses.append(loss)
            items += len(batch.image_rows)
        return {
            "train_loss": torch.stack(losses).mean().item(),
            "learning_rate": float(self._schedule.get_last_lr()[0]),
            "items": float(items),
        }

    def take_step(self, batch: PairBatch, inputs: dict[str, Tensor], mask: Tensor) -> Tensor:
        """Move the weights once.

        Parameters
        ----------
        batch
            Anchors and items.
        inputs, mask
            The items' feature vectors and what each shows, from `load_inputs`.

        Returns
        -------
        Tensor
            Shape (), the loss before the step.

        Raises
        ------
        StageError
            If the loss is not finite: names the step and the recipes of the batch.
        """
        vectors = self.model(inputs, mask)
        loss = supervised_contrastive_loss(
            vectors[batch.anchors], vectors, batch.positive, batch.ignored, self._config.temperature
        )
        self._check_loss(loss, batch)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._optimizer.step()
        self._schedule.step()
        self.steps += 1
        return loss.detach()

    def _check_loss(self, loss: Tensor, batch: PairBatch) -> None:
        if math.isfinite(loss.item()):
            return
        rows = np.unique(np.maximum(batch.image_rows, batch.text_rows)[batch.anchors.numpy()])
        names = ", ".join(self._features.recipe_ids[row] for row in rows[:5])
        raise StageError(
            f"the loss is {loss.item()} at step {self.steps + 1}, batch of {len(rows)} recipes "
            f"({names}{', ...' if len(rows) > 5 else ''}); lower train.learning_rate, or look for "
            "broken features of these recipes"
        )


def load_inputs(
    features: FeatureSet, batch: PairBatch, generator: np.random.Generator
) -> tuple[dict[str, Tensor], Tensor]:
    """Draw what each item of a batch shows, and read its feature vectors.

    Parameters
    ----------
    features
        The feature set.
    batch
        The items.
    generator
        Source of randomness.

    Returns
    -------
    inputs : dict of Tensor
        By modality, shape (T, D), float32.
    mask : Tensor
        Shape (T, 4), bool: what each item shows.
    """
    mask = draw_masks(batch.presence(features.presence), batch.is_mixed, generator)
    inputs = gather_features(features, batch.image_rows, batch.text_rows)
    return inputs, torch.from_numpy(mask)


def _fit(
    trainer: Trainer, validator: Validator, config: TrainConfig, logger: MetricLogger
) -> list[dict[str, float]]:
    """Train until the epochs are over or patience is; leave the best weights in the model."""
    history: list[dict[str, float]] = []
    best_score, best_epoch = -math.inf, 0
    best_weights: dict[str, Tensor] | None = None
    progress = tqdm(
        range(1, config.epochs + 1), desc="training", disable=None, leave=False, ncols=100
    )
    for epoch in progress:
        metrics = trainer.train_epoch(epoch) | validator.score(trainer.model)
        logger.log_metrics(metrics, step=epoch)
        history.append({"epoch": float(epoch), **metrics})
        progress.set_postfix(loss=f"{metrics['train_loss']:.3f}", refresh=False)
        if "val_score" not in metrics:
            continue
        if metrics["val_score"] > best_score:
            best_score, best_epoch = metrics["val_score"], epoch
            best_weights = copy.deepcopy(trainer.model.state_dict())
        elif epoch - best_epoch >= config.patience:
            break
    progress.close()
    if best_weights is not None:
        trainer.model.load_state_dict(best_weights)
    return history


def _val_score(metrics: dict[str, float]) -> float:
    return metrics["val_score"]


def _check_labels(table: PairTable) -> None:
    positives = table.summary.positives
    if not positives or positives == len(table):
        raise StageError(
            f"the train split has {positives} positive and {len(table) - positives} negative "
            "pairs; training needs both: label more dishes or add recipes, and build pairs again"
        )


@contextmanager
def _determinism(seed: int) -> Iterator[None]:
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was_deterministic)
