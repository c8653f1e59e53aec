"""The training stage: a fusion model from pair tables, contrastively.

Every item of a batch shows a random subset of what it has, so positives meet across modalities
and one model serves every kind of query. The weights of the epoch with the best validation score
are kept; training stops when it has not improved for a while. On one machine the same inputs give
the same bytes, whether or not the training was killed in between (see `fit`). It goes on where
`computing_on` says; what is stored is read from there.
"""

from pathlib import Path

import numpy as np

from mmpipeline.config.train import TrainConfig
from mmpipeline.errors import StageError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import compute_device
from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.determinism import digest_values
from mmpipeline.training.engine.fit import TrainingResult, fit
from mmpipeline.training.engine.hooks import Hooks
from mmpipeline.training.engine.metric_logger import MetricLogger
from mmpipeline.training.pairs.fusion import (
    digest_folders,
    fit_config,
    log_config,
    make_model,
    write_trained,
)
from mmpipeline.training.pairs.private_subspaces import fit_private_subspace
from mmpipeline.training.pairs.source import PairSource, pair_objective
from mmpipeline.training.pairs.table import PairTable
from mmpipeline.training.pairs.validation import Validator


def train_model(
    features: Path,
    pairs: Path,
    target: Path,
    config: TrainConfig,
    logger: MetricLogger,
    checkpoints: Checkpoints | None = None,
) -> dict[str, float]:
    """Train a fusion model on the training pairs.

    Writes ``model.safetensors``, ``model.json`` and ``metrics.json`` into `target`. On several
    processes the first one does.

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
    checkpoints
        Where a training that was killed goes on from; None starts anew.

    Returns
    -------
    dict
        ``pairs``, ``anchors``, ``pairs_dropped``, ``epochs``, ``best_epoch``, ``train_loss``,
        ``parameters`` and, with validation pairs, the best epoch's ``val_score``.

    Raises
    ------
    ArtifactError
        If an artifact is damaged or they do not belong together.
    CheckpointError
        If a checkpoint is damaged, or of other data or another config.
    StageError
        If there are no training pairs with both labels, or the loss is not a number.
    """
    feature_set = FeatureSet.open(features)
    table = PairTable.open(pairs, feature_set, "train")
    validator = Validator(feature_set, PairTable.open(pairs, feature_set, "val"), config.seed)
    _check_labels(table)
    log_config(config, logger)
    digest = digest_folders(features, pairs) if checkpoints is not None else ""
    source = PairSource(feature_set, table, config, digest)
    model = make_model(feature_set, table, config).to(compute_device())
    identity = {"config": digest_values(config.model_dump(mode="json"))}
    hooks = Hooks(logger, checkpoints, lambda _: validator.score(model), identity)
    objective = pair_objective(feature_set, config)
    result = fit(model, source, objective, fit_config(config, len(source)), hooks)
    fit_private_subspace(model, feature_set, np.unique(table.summary.anchors))
    counts = {
        "pairs": float(len(table)),
        "anchors": float(len(table.summary.anchors)),
        "pairs_dropped": float(table.summary.dropped),
        "parameters": float(sum(p.numel() for p in model.parameters())),
    } | summarise(result)
    epochs = [
        {"epoch" if name == "round" else name: value for name, value in entry.items()}
        for entry in result.history
    ]
    write_trained(model, target, counts, epochs)
    return counts


def summarise(result: TrainingResult) -> dict[str, float]:
    """Return the figures of a training that go into its artifact.

    Parameters
    ----------
    result
        What the training came to.

    Returns
    -------
    dict
        ``epochs``, ``best_epoch``, ``train_loss`` and, if there was one, ``val_score``.
    """
    best = result.history[result.best_round - 1]
    figures = {
        "epochs": float(len(result.history)),
        "best_epoch": float(result.best_round),
        "train_loss": best["train_loss"],
    }
    return figures | ({} if result.best_score is None else {"val_score": result.best_score})


def _check_labels(table: PairTable) -> None:
    positives = table.summary.positives
    if not positives or positives == len(table):
        raise StageError(
            f"the train split has {positives} positive and {len(table) - positives} negative "
            "pairs; training needs both: label more dishes or add recipes, and build pairs again"
        )
