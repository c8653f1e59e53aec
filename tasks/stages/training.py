"""The training stage, tracked as one MLflow run."""

from pathlib import Path

from prefect import task

from mmpipeline.config.environment import load_settings
from mmpipeline.config.train import TrainConfig
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from tasks.runtime.device import chosen_device
from tasks.runtime.processes import TrainingOutcome, TrainingWork, start_together
from tasks.runtime.stage import produce, publish_link
from tasks.tracking.training_run import GridRun, describe_encoders, describe_inputs, log_pairs

SHOWN = ("epochs", "best_epoch", "labels_proposed", "dishes_joined", "parameters", "val_score")


@task
def train(
    features: Path,
    pairs: Path,
    config: TrainConfig,
    data_root: Path,
    cell: GridRun | None = None,
) -> Path:
    """Train a model from pair tables; return the artifact's folder.

    As a cell of a grid its run lies below the grid's.
    """
    work = TrainingWork(features, pairs, config, data_root)

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.training.engine.process_group import Processes
        from tasks.tracking.run_page import page_of

        processes = load_settings().train_processes
        if processes > 1 and Processes.current().world == 1:
            outcome = start_together(work, draft.folder, draft.resume, processes)
        else:
            outcome = train_into(work, draft.folder, draft.resume, cell)
        draft.notes["mlflow_run_id"] = outcome.run_id
        page = page_of(DataLayout.at(data_root), outcome.run_id)
        publish_link("mlflow-run", page, f"The training of model {work.key.id} in MLflow (make ui)")
        return outcome.counts

    return produce(data_root, work.key, make, SHOWN)


def train_into(
    work: TrainingWork, folder: Path, resume: Path, cell: GridRun | None = None
) -> TrainingOutcome:
    """Train in this process, which leads when several train together; track it as a run.

    Parameters
    ----------
    work
        What is trained from what.
    folder
        To fill with the model's files.
    resume
        What an attempt that was broken off left, and the next one goes on from.
    cell
        How the run of a cell of a grid is called; None: a run by itself.

    Returns
    -------
    TrainingOutcome
        Counts of the artifact, and the run.
    """
    from mmpipeline.training.choice import choose_training
    from mmpipeline.training.engine.checkpoints import Checkpoints
    from tasks.tracking.system_metrics import SystemMetricLogger
    from tasks.tracking.tracked_run import tracked_run

    key, pairs = work.key, open_artifact(work.pairs, kind="pairs")
    features = open_artifact(work.features, kind="features")
    how = cell or GridRun(f"fusion-{key.id[:8]}", {})
    tags = describe_inputs(key.id, features, pairs) | how.tags
    layout = DataLayout.at(work.data_root)
    checkpoints = Checkpoints(resume, load_settings().checkpoint_s, skip_damaged=True)
    with chosen_device() as device, tracked_run(layout, how.name, tags, resume) as run:
        run.set_tags({"device": str(device)})
        log_pairs(run, pairs)
        run.log_params(describe_encoders(features))
        train_by = choose_training(work.config.batches)
        logger = SystemMetricLogger(run, work.data_root)
        counts = train_by(work.features, work.pairs, folder, work.config, logger, checkpoints)
        run.log_files(folder, later=ArtifactStore(layout).folder(key))
    return TrainingOutcome(counts, run.run_id)
