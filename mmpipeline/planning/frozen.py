"""The frozen set that models are scored on: the one drawn first, or the one that would be drawn."""

from pathlib import Path

from mmpipeline.config.evaluate import EvaluateConfig, FrozenSetConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.planning.keys import frozen_scores_key, frozen_set_key
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.storage.provenance import ArtifactKey


def plan_frozen(
    layout: DataLayout,
    model: str,
    catalog: str,
    evaluate: EvaluateConfig,
    config: FrozenSetConfig,
) -> list[ArtifactKey]:
    """Return the keys of the frozen set and of a model's figures on it.

    Parameters
    ----------
    layout
        The data folder.
    model, catalog
        Ids of the model, and of the catalogue that a set would be drawn from.
    evaluate, config
        What is measured, and on which set.

    Returns
    -------
    list of ArtifactKey
        The set's only while there is none. Empty where none can be drawn from this catalogue, or
        the set is damaged: what to do is said by the next evaluation.
    """
    try:
        known = find_frozen_set(layout, config)
    except ArtifactError:
        return []
    whole = on_whole_set(evaluate)
    if known is not None:
        return [frozen_scores_key(model, known.id, whole)]
    drawn = frozen_set_key(catalog, config)
    is_undrawable = undrawn_note(layout, drawn).exists()
    return [] if is_undrawable else [drawn, frozen_scores_key(model, drawn.id, whole)]


def find_frozen_set(layout: DataLayout, config: FrozenSetConfig) -> Artifact | None:
    """Return the set that was drawn first for a section; None when there is none yet.

    Raises
    ------
    ArtifactError
        If there is one and it is damaged: another would not compare.
    """
    path, found = layout.artifacts("frozen_set"), []
    for folder in sorted(path.iterdir()) if path.is_dir() else ():
        if folder.is_dir():
            try:
                found.append(open_artifact(folder, kind="frozen_set"))
            except ArtifactError as error:
                raise ArtifactError(
                    f"{error}. It is the frozen set, or was one: restore it from a copy, or "
                    "delete the folder and figures will not compare with earlier ones"
                ) from error
    wanted = config.model_dump(mode="json")
    found = [artifact for artifact in found if artifact.manifest.config == wanted]
    return min(found, key=lambda artifact: artifact.manifest.created_at, default=None)


def undrawn_note(layout: DataLayout, key: ArtifactKey) -> Path:
    """Return the file that says why no set could be drawn from a catalogue."""
    return layout.state / "undrawn" / key.id


def on_whole_set(config: EvaluateConfig) -> EvaluateConfig:
    """Return how a model is scored on the frozen set, which has no splits."""
    return config.model_copy(update={"split": None})
