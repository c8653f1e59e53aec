"""The two-stage training on recipes: once, and again with proposed labels.

The recipes, their dishes and their copies come from the pair table; what is a pair is settled in
the batch (see `source`). Layers begin at a closed form (`closed_form`). After the first
training the model labels what it is sure of and joins dishes across languages (`self_training`);
a second one begins at the closed form with these labels.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmpipeline.config.train import TrainConfig
from mmpipeline.errors import StageError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import compute_device
from mmpipeline.models.embed import embed_rows
from mmpipeline.models.fusion import FusionModel
from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.determinism import digest_values
from mmpipeline.training.engine.fit import TrainingResult, fit
from mmpipeline.training.engine.hooks import Hooks
from mmpipeline.training.engine.metric_logger import MetricLogger
from mmpipeline.training.pairs.blocks import PairSummary
from mmpipeline.training.pairs.fusion import (
    digest_folders,
    fit_config,
    log_config,
    make_model,
    write_trained,
)
from mmpipeline.training.pairs.private_subspaces import fit_private_subspace
from mmpipeline.training.pairs.table import PairTable
from mmpipeline.training.pairs.validation import Validator
from mmpipeline.training.recipes.closed_form import begin_at_ridge
from mmpipeline.training.recipes.objective import recipe_objective
from mmpipeline.training.recipes.self_training import propose_labels, read_languages
from mmpipeline.training.recipes.source import RecipeSource


class LaterEpochs:
    """Reports the epochs of a second training behind those of the first.

    Parameters
    ----------
    logger
        Where to.
    offset
        Epochs that were before.
    """

    def __init__(self, logger: MetricLogger, offset: int) -> None:
        self._logger = logger
        self._offset = offset

    def log_params(self, params: Mapping[str, object]) -> None:
        """Pass the parameters on."""
        self._logger.log_params(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Pass the metrics on under the later epoch."""
        self._logger.log_metrics(metrics, step + self._offset)


def train_food_model(
    features: Path,
    pairs: Path,
    target: Path,
    config: TrainConfig,
    logger: MetricLogger,
    checkpoints: Checkpoints | None = None,
) -> dict[str, float]:
    """Train a fusion model on the recipes of a pair table.

    Parameters
    ----------
    features, pairs, target, config, logger, checkpoints
        As for `train_model`, and the same files are written.

    Returns
    -------
    dict
        ``recipes``, ``parameters``, ``epochs``, ``best_epoch``, ``train_loss``, ``val_score`` where
        there are validation recipes, ``labels_proposed`` and ``dishes_joined``.

    Raises
    ------
    ArtifactError
        If an artifact is damaged or they do not belong together.
    CheckpointError
        If a checkpoint is damaged, or of other data or another config.
    StageError
        If there are not two recipes to train on, or the loss is not a number.
    """
    feature_set = FeatureSet.open(features)
    table = PairTable.open(pairs, feature_set, "train")
    if len(np.unique(table.summary.anchors)) < 2:
        raise StageError("the train split has no two recipes to train on; add recipes")
    validator = Validator(
        feature_set,
        PairTable.open(pairs, feature_set, "val"),
        config.seed,
        trained=frozenset(table.summary.names),
    )
    log_config(config, logger)
    digest = digest_folders(features, pairs) if checkpoints is not None else ""
    model = make_model(feature_set, table, config).to(compute_device())
    training = TwoStageTraining(feature_set, validator, config, logger, checkpoints, digest)
    counts = training.run(model, table.summary, pairs)
    write_trained(model, target, counts, training.history)
    return counts


class TwoStageTraining:
    """The trainings of one model: on given labels, then on proposed ones too.

    Parameters
    ----------
    features
        The feature set.
    validator
        Scores each epoch.
    config
        The training.
    logger
        Gets the metrics of all epochs, numbered through.
    checkpoints
        Where to keep states, a folder a stage; None keeps none.
    digest
        Of the inputs, which a checkpoint must agree with.

    Attributes
    ----------
    history
        The metrics of each epoch.
    """

    def __init__(
        self,
        features: FeatureSet,
        validator: Validator,
        config: TrainConfig,
        logger: MetricLogger,
        checkpoints: Checkpoints | None,
        digest: str,
    ) -> None:
        self._features = features
        self._validator = validator
        self._config = config
        self._logger = logger
        self._checkpoints = checkpoints
        self._digest = digest
        self.history: list[dict[str, float]] = []

    def run(self, model: FusionModel, summary: PairSummary, pairs: Path) -> dict[str, float]:
        """Train twice, with proposed labels between; return the counts."""
        counts = {
            "recipes": float(len(np.unique(summary.anchors))),
            "parameters": float(sum(p.numel() for p in model.parameters())),
            "labels_proposed": 0.0,
            "dishes_joined": 0.0,
        }
        result = self._fit(model, summary, "first")
        if self._config.self_training_fraction > 0:
            rows = np.unique(summary.anchors)
            vectors = embed_rows(
                model, self._features, rows.astype(np.int64), self._features.presence[rows]
            )
            speaks = read_languages(pairs, self._features.recipe_ids, rows)
            proposals = propose_labels(
                vectors, rows, summary.dish, speaks, self._config.self_training_fraction
            )
            counts["labels_proposed"] = float(proposals.labelled)
            counts["dishes_joined"] = float(proposals.joined)
            result = self._fit(model, replace(summary, dish=proposals.dish), "second")
        fit_private_subspace(model, self._features, np.unique(summary.anchors))
        return counts | self._summarise(result)

    def _fit(self, model: FusionModel, summary: PairSummary, name: str) -> TrainingResult:
        config, before = self._config, len(self.history)
        if config.begin == "ridge":
            rows = np.unique(summary.anchors)
            begin_at_ridge(model, self._features, rows, summary.dish, config.seed)
        source = RecipeSource(self._features, summary, config, self._digest)
        checkpoints = None
        if self._checkpoints is not None:
            checkpoints = self._checkpoints.beside(name)
        identity = {
            "config": digest_values(config.model_dump(mode="json")),
            "labels": digest_values(summary.dish.tolist()),
        }
        logger = LaterEpochs(self._logger, before)
        hooks = Hooks(logger, checkpoints, lambda _: self._validator.score(model), identity)
        result = fit(
            model,
            source,
            recipe_objective(self._features, config),
            fit_config(config, len(source)),
            hooks,
        )
        for entry in result.history:
            self.history.append({"epoch": entry["round"] + before} | _without_round(entry))
        return result

    def _summarise(self, result: TrainingResult) -> dict[str, float]:
        best = result.history[result.best_round - 1]
        figures = {
            "epochs": float(len(self.history)),
            "best_epoch": float(len(self.history) - len(result.history) + result.best_round),
            "train_loss": best["train_loss"],
        }
        return figures | ({} if result.best_score is None else {"val_score": result.best_score})


def _without_round(entry: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in entry.items() if name != "round"}
