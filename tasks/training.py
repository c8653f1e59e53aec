"""Train the fusion model, tracked as one MLflow run."""

from pathlib import Path

import pyarrow.parquet as pq
from prefect import task

from mmpipeline.config import TrainConfig, load_settings
from mmpipeline.storage import Artifact, ArtifactStore, DataLayout, Draft, open_artifact
from mmpipeline.training import Checkpoints, train_food_model, train_model
from tasks.keys import model_key
from tasks.stage import produce
from tasks.tracked_run import TrackedRun, tracked_run

TRAININGS = {"recipes": train_food_model, "pairs": train_model}
SHOWN = ("epochs", "best_epoch", "labels_proposed", "dishes_joined", "parameters", "val_score")
PAIR_COLUMNS = ["split", "kind", "label", "language_pair"]


@task
def train(features: Path, pairs: Path, config: TrainConfig, data_root: Path) -> Path:
    """Train a model from pair tables; return the artifact's folder."""
    inputs = {"features": open_artifact(features, kind="features")}
    inputs["pairs"] = open_artifact(pairs, kind="pairs")
    key = model_key(inputs["features"].id, inputs["pairs"].id, config)

    def make(draft: Draft) -> dict[str, float]:
        tags = {f"{kind}_id": artifact.id for kind, artifact in inputs.items()}
        tags |= {"model_id": key.id, "catalog_id": inputs["pairs"].manifest.inputs["catalog"]}
        layout = DataLayout.at(data_root)
        every_s = load_settings().checkpoint_s
        checkpoints = Checkpoints(draft.resume, every_s, skip_damaged=True)
        with tracked_run(layout, f"fusion-{key.id[:8]}", tags, draft.resume) as run:
            log_pairs(run, inputs["pairs"])
            train_by = TRAININGS[config.batches]
            counts = train_by(features, pairs, draft.folder, config, run, checkpoints)
            run.log_files(draft.folder, later=ArtifactStore(layout).folder(key))
        draft.notes["mlflow_run_id"] = run.run_id
        return counts

    return produce(data_root, key, make, SHOWN)


def log_pairs(run: TrackedRun, pairs: Artifact) -> None:
    """Log the pair table as the run's data set: how many pairs of each sort it holds."""
    table = pq.read_table(pairs.file("pairs.parquet"), columns=PAIR_COLUMNS)
    counts = table.group_by(PAIR_COLUMNS).aggregate([([], "count_all")]).to_pandas()
    run.log_dataset(counts.sort_values(PAIR_COLUMNS), "training", pairs.folder)
