"""The frozen set: drawn once, then every model is scored on it.

Which set that is follows from the section `[frozen]` alone. The first catalogue that is evaluated
gives it; later ones, and later code, use the one that is there.
"""

import json
from pathlib import Path

from prefect import task

from mmpipeline.config.evaluate import EvaluateConfig, FrozenSetConfig
from mmpipeline.config.features import FeatureConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.planning.frozen import find_frozen_set, on_whole_set, undrawn_note
from mmpipeline.planning.keys import frozen_scores_key, frozen_set_key
from mmpipeline.storage.artifact import Draft
from mmpipeline.storage.atomic import write_text_atomic
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact
from tasks.runtime.device import chosen_device
from tasks.runtime.shared_storage import share
from tasks.runtime.stage import produce, report
from tasks.tracking.run_figures import log_to_training, measured_on_frozen

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
        from mmpipeline.evaluation.suite.frozen_set import digest_frozen_set, write_frozen_set

        counts = write_frozen_set(catalog, draft.folder, layout, config)
        draft.notes["sha256"] = digest_frozen_set(draft.folder)
        return counts

    key = frozen_set_key(open_artifact(catalog, kind="catalog").id, config)
    try:
        return produce(data_root, key, make, SHOWN)
    except StageError as error:
        report("frozen_set", f"not drawn: {error}")
        write_text_atomic(undrawn_note(layout, key), f"{error}\n")
        return None


@task
def score(
    model: Path, features: Path, frozen: Path | None, config: EvaluateConfig, data_root: Path
) -> Path | None:
    """Score a model on the frozen set and log it to its training run; return the folder."""
    if frozen is None:
        return None
    layout, trained = DataLayout.at(data_root), open_artifact(model, kind="model")
    whole = on_whole_set(config)
    key = frozen_scores_key(trained.id, open_artifact(frozen, kind="frozen_set").id, whole)
    encoders = FeatureConfig.model_validate(open_artifact(features).manifest.config)

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.evaluation.suite.frozen_scores import score_frozen_set
        from mmpipeline.evaluation.suite.frozen_set import count_trained_on

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
