"""The flow that trains the fusion model."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.train import TrainConfig
from mmpipeline.planning.newest import default_root, or_newest
from tasks.runtime.hooks import HOOKS
from tasks.stages import training


@flow(name="train_fusion", **HOOKS)
def train_fusion(
    features: Path | None = None,
    pairs: Path | None = None,
    config: TrainConfig = TrainConfig(),
    data_root: Path | None = None,
) -> Path:
    """Train the model that fuses any subset of modalities into one vector.

    Parameters
    ----------
    features
        Folder of a feature artifact; None takes the newest.
    pairs
        Folder of a pair artifact of the same catalogue; None takes the newest.
    config
        The model and its training.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the model artifact.
    """
    root = data_root or default_root()
    return training.train(
        or_newest(features, "features", root),
        or_newest(pairs, "pairs", root),
        config,
        root,
    )
