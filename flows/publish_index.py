"""The flow that publishes the embedding index."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.publish import IndexConfig, PromotionConfig
from mmpipeline.planning.newest import default_root, or_newest
from tasks.runtime.hooks import HOOKS
from tasks.stages import index


@flow(name="publish_index", **HOOKS)
def publish_index(
    model: Path | None = None,
    features: Path | None = None,
    catalog: Path | None = None,
    config: IndexConfig = IndexConfig(),
    promotion: PromotionConfig = PromotionConfig(),
    data_root: Path | None = None,
) -> Path:
    """Embed a catalogue with a model, and let the result answer if it passes the gate.

    Parameters
    ----------
    model, features, catalog
        Folders of artifacts that belong together; None takes the newest.
    config
        What an index version holds.
    promotion
        What the gate asks before a version may answer.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the index version.
    """
    root = data_root or default_root()
    version = index.publish(
        or_newest(model, "model", root),
        or_newest(features, "features", root),
        or_newest(catalog, "catalog", root),
        config,
        root,
    )
    folder = index.decide(version, promotion, root)
    index.apply_aliases(root)
    return folder
