"""The fusion model before and after its training, whatever its batches are drawn from.

What a training on pairs and one on recipes share: the model with its first weights, how it is
fitted, what identifies its inputs, and what is written. Of several processes the first one logs
and writes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmpipeline.config.train import FitConfig, OptimizerConfig, TrainConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.fusions.table import ModelOptions
from mmpipeline.models.weights import save_model
from mmpipeline.schemas import MODALITIES
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.manifest import digest_file, open_artifact
from mmpipeline.training.engine.determinism import determinism, digest_values
from mmpipeline.training.engine.metric_logger import MetricLogger
from mmpipeline.training.engine.process_group import Processes
from mmpipeline.training.pairs.statistics import measure_inputs
from mmpipeline.training.pairs.table import PairTable


def make_model(features: FeatureSet, table: PairTable, config: TrainConfig) -> FusionModel:
    """Make a model with seeded weights that centres and scales the training inputs.

    Parameters
    ----------
    features
        The feature set.
    table
        Training pairs; the recipes of its anchors are measured.
    config
        The model.

    Returns
    -------
    FusionModel
        Not trained.
    """
    with determinism(config.seed):
        model = FusionModel(
            {name: features.dims[name] for name in MODALITIES},
            config.hidden_dim,
            config.embedding_dim,
            config.dropout,
            ModelOptions(
                fusion=config.fusion,
                encoder=config.encoder,
                private_dim=config.private_dim,
                private_weight=config.private_weight,
            ),
        )
    model.standardize(measure_inputs(features, np.unique(table.summary.anchors)))
    return model


def fit_config(config: TrainConfig, batches: int) -> FitConfig:
    """Say how a fusion model is trained.

    Parameters
    ----------
    config
        The model and its training.
    batches
        In an epoch.

    Returns
    -------
    FitConfig
        Whose rounds are epochs.
    """
    return FitConfig(
        rounds=config.epochs,
        steps_per_round=max(1, batches // config.batches_per_step),
        **config.model_dump(include=set(OptimizerConfig.model_fields)),
    )


def digest_folders(*folders: Path) -> str:
    """Digest artifacts by their manifests, or file by file where there is none.

    Parameters
    ----------
    *folders
        Their folders.

    Returns
    -------
    str
        16 hex digits.
    """
    return digest_values([_digest_files(folder) for folder in folders])


def _digest_files(folder: Path) -> dict[str, str]:
    try:
        files = open_artifact(folder).manifest.files
    except ArtifactError:
        return {path.name: digest_file(path) for path in folder.iterdir() if path.is_file()}
    return {name: entry["sha256"] for name, entry in files.items()}


def log_config(config: TrainConfig, logger: MetricLogger) -> None:
    """Log the parameters of a training, once.

    Parameters
    ----------
    config
        The model and its training.
    logger
        Where to.
    """
    if Processes.current().is_main:
        logger.log_params(config.model_dump())


def write_trained(
    model: FusionModel,
    target: Path,
    summary: Mapping[str, float],
    epochs: Sequence[Mapping[str, float]],
) -> None:
    """Write ``model.safetensors``, ``model.json`` and ``metrics.json``, once.

    Parameters
    ----------
    model
        As trained.
    target
        Folder to write into.
    summary
        What the training came to.
    epochs
        The metrics of each, with ``epoch`` from 1.
    """
    if Processes.current().is_main:
        save_model(model, target)
        write_json_atomic(target / "metrics.json", {"summary": summary, "epochs": epochs})
