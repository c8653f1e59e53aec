"""Train the fusion model."""

from pathlib import Path

from prefect import flow

from mmpipeline.config import TrainConfig
from tasks import training
from tasks.newest import or_newest


@flow(name="train_fusion")
def train_fusion(
    features: Path | None = None,
    pairs: Path | None = None,
    config: TrainConfig = TrainConfig(),
    data_root: Path = Path("data"),
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
        The data folder.

    Returns
    -------
    Path
        Folder of the model artifact.
    """
    return training.train(
        or_newest(features, "features", data_root),
        or_newest(pairs, "pairs", data_root),
        config,
        data_root,
    )
