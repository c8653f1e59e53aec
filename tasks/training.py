"""Train the fusion model, tracked as one MLflow run."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from prefect import task

from mmpipeline.config import TrainConfig, load_settings
from mmpipeline.storage import Artifact, ArtifactStore, DataLayout, Draft, open_artifact
from tasks.processes import TrainingOutcome, TrainingWork, start_together
from tasks.stage import produce

if TYPE_CHECKING:
    from tasks.tracked_run import TrackedRun

SHOWN = ("epochs", "best_epoch", "labels_proposed", "dishes_joined", "parameters", "val_score")
PAIR_COLUMNS = ["split", "kind", "label", "language_pair"]


@task
def train(features: Path, pairs: Path, config: TrainConfig, data_root: Path) -> Path:
    """Train a model from pair tables; return the artifact's folder."""
    work = TrainingWork(features, pairs, config, data_root)

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.training.processes import Processes

        processes = load_settings().train_processes
        if processes > 1 and Processes.current().world == 1:
            outcome = start_together(work, draft.folder, draft.resume, processes)
        else:
            outcome = train_into(work, draft.folder, draft.resume)
        draft.notes["mlflow_run_id"] = outcome.run_id
        return outcome.counts

    return produce(data_root, work.key, make, SHOWN)


def train_into(work: TrainingWork, folder: Path, resume: Path) -> TrainingOutcome:
    """Train in this process, which leads when several train together; track it as a run.

    Parameters
    ----------
    work
        What is trained from what.
    folder
        To fill with the model's files.
    resume
        What an attempt that was broken off left, and the next one goes on from.

    Returns
    -------
    TrainingOutcome
        Counts of the artifact, and the run.
    """
    from mmpipeline.training import Checkpoints
    from tasks.tracked_run import tracked_run

    key, pairs = work.key, open_artifact(work.pairs, kind="pairs")
    tags = {f"{kind}_id": name for kind, name in key.inputs.items()}
    tags |= {"model_id": key.id, "catalog_id": pairs.manifest.inputs["catalog"]}
    layout = DataLayout.at(work.data_root)
    checkpoints = Checkpoints(resume, load_settings().checkpoint_s, skip_damaged=True)
    with tracked_run(layout, f"fusion-{key.id[:8]}", tags, resume) as run:
        log_pairs(run, pairs)
        train_by = choose_training(work.config.batches)
        counts = train_by(work.features, work.pairs, folder, work.config, run, checkpoints)
        run.log_files(folder, later=ArtifactStore(layout).folder(key))
    return TrainingOutcome(counts, run.run_id)


def choose_training(batches: str) -> Callable[..., dict[str, float]]:
    """Return the training of batches drawn from `recipes`, or from `pairs`."""
    from mmpipeline.training import train_food_model, train_model

    return {"recipes": train_food_model, "pairs": train_model}[batches]


def log_pairs(run: "TrackedRun", pairs: Artifact) -> None:
    """Log the pair table as the run's data set: how many pairs of each sort it holds."""
    table = pq.read_table(pairs.file("pairs.parquet"), columns=PAIR_COLUMNS)
    counts = table.group_by(PAIR_COLUMNS).aggregate([([], "count_all")]).to_pandas()
    run.log_dataset(counts.sort_values(PAIR_COLUMNS), "training", pairs.folder)
