"""What a refresh would do, before it does it.

Ids follow from inputs, so the whole chain from recipes to index is known as soon as the two doors
have named their content. A refresh whose chain exists already stops there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmpipeline.config import PipelineConfig
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, open_artifact
from tasks import keys
from tasks.catalog import plan_catalog
from tasks.stage import log


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage of a refresh.

    Attributes
    ----------
    key
        What its artifact is made from.
    is_done
        Whether that artifact exists.
    """

    key: ArtifactKey
    is_done: bool


def plan_refresh(
    data_root: Path, recipes: Sequence[Path], config: PipelineConfig
) -> list[PlannedStage]:
    """Return the stages after the two doors, in order, and which of them are done.

    Parameters
    ----------
    data_root
        The data folder.
    recipes
        Folders of the recipe artifacts that the doors produced.
    config
        The experiment.

    Returns
    -------
    list of PlannedStage
        Catalogue, features, pairs, model, evaluation, index.
    """
    store = ArtifactStore(DataLayout.at(data_root))
    opened = [open_artifact(folder) for folder in recipes]
    catalog, _ = plan_catalog(data_root, opened, config.catalog)
    features = keys.features_key(catalog.id, config.features)
    pairs = keys.pairs_key(catalog.id, config.pairs)
    model = keys.model_key(features.id, pairs.id, config.train)
    evaluation = keys.evaluation_key(model.id, features.id, catalog.id, config.evaluate)
    index = keys.index_key(model.id, features.id, catalog.id, config.index)
    chain = [catalog, features, pairs, model, evaluation, index]
    return [PlannedStage(key, store.find(key) is not None) for key in chain]


def is_published(data_root: Path, plan: Sequence[PlannedStage]) -> bool:
    """Return whether every stage is done and the plan's index is the published one."""
    layout = DataLayout.at(data_root)
    try:
        current = layout.current_index.read_text(encoding="utf-8").strip()
    except OSError:
        return False
    return all(stage.is_done for stage in plan) and current == plan[-1].key.id


def say_up_to_date(data_root: Path, plan: Sequence[PlannedStage]) -> Path:
    """Say that nothing is new; return the published index's folder."""
    folder = ArtifactStore(DataLayout.at(data_root)).folder(plan[-1].key)
    log.info("Nothing new: index %s is up to date, no other stage ran.", folder.name)
    return folder
