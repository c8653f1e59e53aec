"""Measure a model on held-out recipes."""

from pathlib import Path

from prefect import flow

from mmpipeline.config import EvaluateConfig
from tasks import evaluation
from tasks.hooks import HOOKS
from tasks.newest import default_root, or_newest


@flow(name="evaluate_model", **HOOKS)
def evaluate_model(
    model: Path | None = None,
    features: Path | None = None,
    catalog: Path | None = None,
    config: EvaluateConfig = EvaluateConfig(),
    data_root: Path | None = None,
) -> Path:
    """Write the report that sets a model beside its baselines.

    Parameters
    ----------
    model, features, catalog
        Folders of artifacts that belong together; None takes the newest.
    config
        What is measured.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the evaluation artifact.
    """
    root = data_root or default_root()
    return evaluation.evaluate(
        or_newest(model, "model", root),
        or_newest(features, "features", root),
        or_newest(catalog, "catalog", root),
        config,
        root,
    )
