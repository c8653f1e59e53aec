"""Measurements of a model, logged to its training run: figures, files, tags, data.

Each measurement is logged to a run once: a tag of the run names the artifact that it has. So a run
that was made anew, or was away, gets what it lacks whenever somebody comes by.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.storage.segments import read_recipes

if TYPE_CHECKING:
    import pandas as pd

    from tasks.tracking.tracked_run import TrackedRun

SHORT_NAMES = {
    "all_top1": "prototype_full_top1",
    "known_top1": "prototype_full_known_top1",
    "unknown_top1": "prototype_full_unknown_top1",
    "harmonic_mean": "prototype_full_harmonic_mean",
}
"""What every experiment calls its figures, and what the evaluation of the food model calls them."""
SUFFIXES = ("", "_low", "_high", "_raw", "_chance")
SIDES = ["split", "language", "dish_set"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement of a model.

    Attributes
    ----------
    role
        What it is to the run; the tag ``ROLE_id`` names the artifact.
    artifact
        Where it lies.
    metrics
        Its figures, as they are called in the run.
    place
        Folder among the run's artifacts that takes its files; None: no folder.
    tags
        Further tags of the run.
    dataset
        What was measured on: its name in the run, a small table, and where it lies.
    """

    role: str
    artifact: Artifact
    metrics: Mapping[str, float]
    place: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    dataset: "tuple[str, pd.DataFrame, Path] | None" = None

    def log_to(self, run: "TrackedRun") -> bool:
        """Log to a run what it does not have yet; tell whether there was anything to log."""
        mark = {f"{self.role}_id": self.artifact.id}
        if run.has_tag(*next(iter(mark.items()))):
            return False
        run.log_metrics(self.metrics, step=0)
        run.log_files(self.artifact.folder, place=self.place)
        if self.dataset is not None:
            name, frame, source = self.dataset
            run.log_dataset(frame, name, source)
        run.set_tags({**self.tags, **mark})
        return True


def log_to_training(layout: DataLayout, trained: Artifact, measured: Measured) -> bool:
    """Log a measurement to the run that a model was trained in.

    Parameters
    ----------
    layout
        The data folder.
    trained
        The model's artifact.
    measured
        What was measured.

    Returns
    -------
    bool
        Whether the run is still there.
    """
    from tasks.tracking.tracked_run import reopen_run

    run_id = trained.manifest.notes["mlflow_run_id"]
    run = reopen_run(layout, run_id, {"model_id": trained.id})
    if run is not None:
        measured.log_to(run)
    return run is not None


def add_short_names(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the figures of an evaluation, the foremost also under the names of `SHORT_NAMES`."""
    short = {
        f"{name}{suffix}": metrics[f"{long}{suffix}"]
        for name, long in SHORT_NAMES.items()
        for suffix in SUFFIXES
        if f"{long}{suffix}" in metrics
    }
    return {**metrics, **short}


def measured_in_evaluation(evaluation: Artifact, catalog: Path) -> Measured:
    """Return what a run gets of an evaluation; figures of validation recipes begin with `val_`."""
    metrics = add_short_names(evaluation.manifest.notes["metrics"])
    if evaluation.manifest.config["split"] == "val":
        metrics = {f"val_{name}": value for name, value in metrics.items()}
        return Measured("validation", evaluation, metrics, place="validation")
    sides = read_recipes(catalog, SIDES).to_pandas()
    counts = sides.value_counts(SIDES, dropna=False).rename("recipes").reset_index()
    frame = counts.sort_values(SIDES, ignore_index=True)
    return Measured("evaluation", evaluation, metrics, dataset=("evaluation", frame, catalog))


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
