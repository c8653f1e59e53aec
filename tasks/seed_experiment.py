"""The seed experiment's stages: train, measure and report, as nested MLflow runs.

Each training and each draw's evaluation is an artifact of its own and a child run; what is finished
is found by its id, and a training that was killed goes on from its checkpoint in the same run.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from prefect import task

from mmpipeline.config import (
    SeedExperimentConfig,
    SyntheticConfig,
    TalkModelConfig,
    load_settings,
)
from mmpipeline.evaluation.seed_report import SeedTables, write_seed_report
from mmpipeline.evaluation.synthetic_bench import SyntheticBench
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, Draft, open_artifact
from mmpipeline.synthetic import generate
from mmpipeline.training.checkpoints import Checkpoints
from mmpipeline.training.seed_experiment import evaluate_draw
from mmpipeline.training.talk_models import train_talk_model
from tasks.keys import digest_config, seed_draw_key, seed_report_key, talk_model_key
from tasks.stage import produce, report
from tasks.tracked_run import TrackedRun, tracked_run
from tasks.tracking import PARENT_TAG

EXPERIMENT = "seed-experiment"
REPORT_NAME = "seed-experiment.md"


@contextmanager
def tracked_experiment(config: SeedExperimentConfig, data_root: Path) -> Iterator[str | None]:
    """Hold the parent run of an experiment, the same one each time; yield its id."""
    layout, name = DataLayout.at(data_root), digest_config(config)
    place = layout.state / "seed-experiments" / name
    place.mkdir(parents=True, exist_ok=True)
    with tracked_run(layout, EXPERIMENT, {"experiment_id": name}, place, EXPERIMENT) as run:
        yield run.run_id


@contextmanager
def child_run(
    layout: DataLayout, name: str, key: ArtifactKey, parent: str | None, draft: Draft
) -> Iterator[TrackedRun]:
    """Hold the run of one artifact below the experiment's; a killed one is taken up again."""
    tags = {"artifact_id": key.id} | ({PARENT_TAG: parent} if parent else {})
    with tracked_run(layout, name, tags, draft.resume, EXPERIMENT) as run:
        yield run
    draft.notes["mlflow_run_id"] = run.run_id


def list_draws(config: SeedExperimentConfig) -> list[SyntheticConfig]:
    """List the draws of the data that the experiment is repeated on."""
    return [config.data.model_copy(update={"seed": seed}) for seed in config.data_seeds]


@task
def train_talk(
    data: SyntheticConfig, config: TalkModelConfig, parent: str | None, data_root: Path
) -> Path:
    """Train a model of the talk on one draw; return the artifact's folder."""
    key, layout = talk_model_key(data, config), DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        with child_run(layout, f"{config.loss}-{data.seed}", key, parent, draft) as run:
            bench = SyntheticBench(generate(data))
            every_s = load_settings().checkpoint_s
            checkpoints = Checkpoints(draft.resume, every_s, skip_damaged=True)
            counts = train_talk_model(bench, draft.folder, config, run, checkpoints)
            run.log_files(draft.folder, later=ArtifactStore(layout).folder(key))
        return counts

    return produce(data_root, key, make, ("steps", "train_loss", "parameters"))


@task
def evaluate_seed(
    data: SyntheticConfig,
    models: Mapping[str, Path],
    config: SeedExperimentConfig,
    parent: str | None,
    data_root: Path,
) -> Path:
    """Measure all methods on one draw; return the artifact's folder."""
    ids = {name: open_artifact(folder).id for name, folder in models.items()}
    key, layout = seed_draw_key(data, ids, config), DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        with child_run(layout, f"evaluation-{data.seed}", key, parent, draft) as run:
            counts = evaluate_draw(data, models, draft.folder, config)
            run.log_metrics(counts, step=0)
        return counts

    folder = produce(data_root, key, make, ("cells",))
    counts = open_artifact(folder).counts
    for name, value in counts.items():
        if name.startswith("top1_"):
            method = name.removeprefix("top1_").replace("_", " ")
            report("", f"all classes, all modalities, top-1 of {method}: {value:.3f}")
    return folder


@task
def write_report(
    draws: Sequence[Path], config: SeedExperimentConfig, parent: str | None, data_root: Path
) -> Path:
    """Write the report over all draws; return the artifact's folder."""
    artifacts = [open_artifact(folder, kind="seed_draw") for folder in draws]
    key = seed_report_key([artifact.id for artifact in artifacts], config)
    layout = DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        tables = {
            name: [pd.read_csv(artifact.file(f"{name}.csv")) for artifact in artifacts]
            for name in ("cells", "open_set", "maps")
        }
        seed_tables = SeedTables(
            pd.concat(tables["cells"]),
            pd.concat(tables["open_set"]),
            tables["maps"][0],
            describe_settings(config),
        )
        with child_run(layout, "report", key, parent, draft) as run:
            counts = write_seed_report(seed_tables, draft.folder)
            run.log_metrics(counts, step=0)
            run.log_files(draft.folder, later=ArtifactStore(layout).folder(key))
        return counts

    return produce(data_root, key, make, ("draws", "cells", "demands", "demands_held"))


def describe_settings(config: SeedExperimentConfig) -> list[str]:
    """Say in a few lines of Markdown what the figures are of."""
    data, cosine = config.data, config.cosine
    return [
        f"Data: {data.classes} classes, the first {data.known_classes} trained; modalities of "
        f"{', '.join(map(str, data.modality_dims))} values; {data.parameters} parameters, families "
        f"{'/'.join(data.families)}, means in {data.mean_range[0]:g} to {data.mean_range[1]:g}, "
        f"deviations in {data.deviation_range[0]:g} to {data.deviation_range[1]:g}; "
        f"{data.pool_per_class} samples a class to train on and draw references from, "
        f"{data.test_per_class} queries a class.",
        f"COS and EUC: the slides' layers ({cosine.hidden_dim} wide, {cosine.embedding_dim} out), "
        f"one net for all subsets by random masks, {cosine.steps} and {config.euclid.steps} steps.",
    ]


def copy_report(folder: Path, target: Path | None) -> None:
    """Copy the page, its figures and its tables to a folder, when one is named."""
    if target is None:
        return
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.suffix in {".md", ".png", ".csv"}:
            shutil.copyfile(path, target / path.name)
    report("", f"copied to {target / REPORT_NAME}")
