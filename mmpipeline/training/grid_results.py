"""The results of a trained cell of a grid, read from its artifacts: a row of the leaderboard."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmpipeline.evaluation.reports.leaderboard import GridResult
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.training.grid import GridCell

TRAINED = ("epochs", "best_epoch", "parameters", "val_score", "labels_proposed", "dishes_joined")


@dataclass(frozen=True, slots=True)
class TrainedCell:
    """A cell and the folders of what was made for it.

    Attributes
    ----------
    cell
        What it is.
    features, model, validation
        Folders of its artifacts.
    baselines
        ``val_score_raw`` and ``val_score_chance``: what its validation score is worth.
    frozen_scores
        Folder of its figures on the frozen set; None without such a set.
    test
        Folder of its evaluation on test recipes; None unless it was chosen.
    """

    cell: GridCell
    features: Path
    model: Path
    validation: Path
    baselines: Mapping[str, float] = field(default_factory=dict)
    frozen_scores: Path | None = None
    test: Path | None = None


def count_training(trained: TrainedCell, model: Artifact) -> dict[str, float]:
    """Return what a training counted, and what its validation score is worth."""
    counts = {name: model.counts[name] for name in TRAINED if name in model.counts}
    return {**counts, **trained.baselines} if "val_score" in counts else counts


def read_result(trained: TrainedCell, run_id: str | None) -> GridResult:
    """Read what a cell came to.

    Parameters
    ----------
    trained
        The cell.
    run_id
        Of its run.
    """
    model = open_artifact(trained.model, kind="model")
    figures = {"val": open_artifact(trained.validation).manifest.notes["metrics"]}
    if trained.test is not None:
        figures["test"] = open_artifact(trained.test).manifest.notes["metrics"]
        if trained.frozen_scores is not None:
            scores = json.loads((trained.frozen_scores / "metrics.json").read_bytes())
            figures["frozen"] = {k.removeprefix("frozen_"): v for k, v in scores.items()}
    return GridResult(
        axes=trained.cell.axes(),
        ids={"run_id": run_id, "model_id": model.id},
        training=count_training(trained, model),
        figures=figures,
    )
