"""The frozen set: drawn once, then every model is scored on it.

Which set that is follows from the section `[frozen]` alone. The first catalogue that is evaluated
gives it; later ones, and later code, use the one that is there.
"""

import json
from pathlib import Path

from prefect import task

from mmpipeline.config import EvaluateConfig, FeatureConfig, FrozenSetConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.storage import (
    Artifact,
    ArtifactKey,
    DataLayout,
    Draft,
    open_artifact,
    write_text_atomic,
)
from mmpipeline.storage.segments import read_recipes
from tasks.device import chosen_device
from tasks.keys import frozen_scores_key, frozen_set_key
from tasks.run_figures import Measured, log_to_training
from tasks.shared_storage import share
from tasks.stage import produce, report

SHOWN = ("recipes", "dishes", "photos", "photos_missing")


@task
def freeze(catalog: Path, config: FrozenSetConfig, data_root: Path) -> Path | None:
    """Return the frozen set, drawing it where there is none; None where none can be drawn."""
    layout = DataLayout.at(data_root)
    known = find_frozen_set(layout, config)
    if known is not None:
        known.verify()
        share(known)  # other machines take this set, and draw none
        return known.folder

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.evaluation.frozen_set import digest_frozen_set, write_frozen_set

        counts = write_frozen_set(catalog, draft.folder, layout, config)
        draft.notes["sha256"] = digest_frozen_set(draft.folder)
        return counts

    key = frozen_set_key(open_artifact(catalog, kind="catalog").id, config)
    try:
        return produce(data_root, key, make, SHOWN)
    except StageError as error:
        report("frozen_set", f"not drawn: {error}")
        write_text_atomic(_undrawn_note(layout, key), f"{error}\n")
        return None


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
    whole = _on_whole_set(evaluate)
    if known is not None:
        return [frozen_scores_key(model, known.id, whole)]
    drawn = frozen_set_key(catalog, config)
    is_undrawable = _undrawn_note(layout, drawn).exists()
    return [] if is_undrawable else [drawn, frozen_scores_key(model, drawn.id, whole)]


def _undrawn_note(layout: DataLayout, key: ArtifactKey) -> Path:
    """Return the file that says why no set could be drawn from a catalogue."""
    return layout.state / "undrawn" / key.id


def _on_whole_set(config: EvaluateConfig) -> EvaluateConfig:
    return config.model_copy(update={"split": None})  # the set has one side


def find_frozen_set(layout: DataLayout, config: FrozenSetConfig) -> Artifact | None:
    """Return the set that was drawn first for a section; None when there is none yet.

    Raises
    ------
    ArtifactError
        If there is one and it is damaged: another would not compare.
    """
    place, found = layout.artifacts("frozen_set"), []
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
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


@task
def score(
    model: Path, features: Path, frozen: Path | None, config: EvaluateConfig, data_root: Path
) -> Path | None:
    """Score a model on the frozen set and log it to its training run; return the folder."""
    if frozen is None:
        return None
    layout, trained = DataLayout.at(data_root), open_artifact(model, kind="model")
    whole = _on_whole_set(config)
    key = frozen_scores_key(trained.id, open_artifact(frozen, kind="frozen_set").id, whole)
    encoders = FeatureConfig.model_validate(open_artifact(features).manifest.config)

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.evaluation.frozen_scores import score_frozen_set
        from mmpipeline.evaluation.frozen_set import count_trained_on

        cache = layout.feature_cache
        with chosen_device():
            counts = score_frozen_set(model, frozen, draft.folder, encoders, whole, cache)
        catalog = _catalog_of(layout, trained)
        if catalog is not None:
            counts["frozen_trained_on"] = float(count_trained_on(frozen, catalog))
        return counts

    folder = produce(data_root, key, make, ())
    scores = open_artifact(folder)
    report("", _summarise(scores, frozen))
    log_to_training(layout, trained, measured_on_frozen(scores, frozen))
    return folder


def measured_on_frozen(scores: Artifact, frozen: Path) -> Measured:
    """Return what a run gets of a model's figures on the frozen set."""
    drawn = open_artifact(frozen, kind="frozen_set")
    metrics = json.loads(scores.file("metrics.json").read_bytes())
    return Measured(
        role="frozen_scores",
        artifact=scores,
        metrics=metrics | scores.counts,
        place="frozen",
        tags={
            "frozen_set": f"v{drawn.manifest.config['version']}",
            "frozen_set_sha256": drawn.manifest.notes["sha256"],
        },
        dataset=(
            f"frozen-v{drawn.manifest.config['version']}",
            read_recipes(frozen, ["recipe_id", "language", "dish", "dish_set"]).to_pandas(),
            frozen,
        ),
    )


def _catalog_of(layout: DataLayout, trained: Artifact) -> Path | None:
    """Return the catalogue that a model was trained from, while it is kept."""
    try:
        pairs = layout.artifacts("pairs") / trained.manifest.inputs["pairs"]
        catalog = open_artifact(pairs, kind="pairs").manifest.inputs["catalog"]
        return open_artifact(layout.artifacts("catalog") / catalog, kind="catalog").folder
    except (ArtifactError, KeyError):
        return None


def _summarise(scores: Artifact, frozen: Path) -> str:
    metrics = json.loads(scores.file("metrics.json").read_bytes())
    drawn = open_artifact(frozen, kind="frozen_set").manifest
    name = "frozen_dish_full_recall_at_1"
    seen = scores.counts.get("frozen_trained_on", 0)
    return (
        f"on the frozen set v{drawn.config['version']} ({drawn.notes['sha256'][:8]}), right dish "
        f"first by everything: {metrics[name]:.3f} (raw features {metrics[name + '_raw']:.3f}, "
        f"chance {metrics[name + '_chance']:.3f})"
        + (f"; {seen:.0f} of its recipes are among those trained on" if seen else "")
    )
