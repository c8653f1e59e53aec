"""The flow that measures a model on held-out recipes."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.evaluate import EvaluateConfig, FrozenSetConfig
from mmpipeline.planning.newest import default_root, or_newest
from tasks.runtime.hooks import HOOKS
from tasks.stages import evaluation, frozen


@flow(name="evaluate_model", **HOOKS)
def evaluate_model(
    model: Path | None = None,
    features: Path | None = None,
    catalog: Path | None = None,
    config: EvaluateConfig = EvaluateConfig(),
    data_root: Path | None = None,
    frozen_set: FrozenSetConfig = FrozenSetConfig(),
) -> Path:
    """Write the report that sets a model beside its baselines, and score it on the frozen set.

    Parameters
    ----------
    model, features, catalog
        Folders of artifacts that belong together; None takes the newest.
    config
        What is measured.
    data_root
        The data folder; None takes the environment's.
    frozen_set
        The set that models over changing catalogues compare on.

    Returns
    -------
    Path
        Folder of the evaluation artifact.
    """
    root = data_root or default_root()
    trained = or_newest(model, "model", root)
    encoded = or_newest(features, "features", root)
    recipes = or_newest(catalog, "catalog", root)
    folder = evaluation.evaluate(trained, encoded, recipes, config, root)
    drawn = frozen.freeze(recipes, frozen_set, root)
    frozen.score(trained, encoded, drawn, config, root)
    return folder
