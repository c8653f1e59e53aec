"""The flow that extracts a catalogue's features."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.features import FeatureConfig
from mmpipeline.planning.newest import default_root, or_newest
from tasks.runtime.hooks import HOOKS
from tasks.stages import features


@flow(name="extract_features", **HOOKS)
def extract_features(
    catalog: Path | None = None,
    config: FeatureConfig = FeatureConfig(),
    data_root: Path | None = None,
) -> Path:
    """Turn every photo and text of a catalogue into a vector.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact; None takes the newest.
    config
        How each modality becomes a vector.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the feature artifact.
    """
    root = data_root or default_root()
    return features.extract(or_newest(catalog, "catalog", root), config, root)
