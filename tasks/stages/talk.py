"""The seed experiment's stages: train, measure and report, as nested MLflow runs.

Each training and each draw's evaluation is an artifact of its own and a child run; what is finished
is found by its id, and a training that was killed goes on from its checkpoint in the same run.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prefect import task

from mmpipeline.config.environment import load_settings
from mmpipeline.config.talk import SyntheticConfig, TalkExperimentConfig
from mmpipeline.planning.keys import digest_config, talk_draw_key, talk_method_key, talk_report_key
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from mmpipeline.storage.provenance import ArtifactKey
from mmpipeline.talk.data.generator import generate
from mmpipeline.talk.experiment import evaluate_draw
from mmpipeline.talk.measure.suite import SyntheticSuite
from mmpipeline.talk.methods.files import save_method
from mmpipeline.talk.methods.presets import LADDER_STEPS, TALK_LIKE_DATA, seed_method, shorten
from mmpipeline.talk.methods.train import train_talk_method
from mmpipeline.talk.report.page import write_talk_report
from mmpipeline.talk.report.tables import LABELS, gather_tables
from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.hooks import Hooks
from tasks.runtime.stage import produce, report
from tasks.tracking.store import PARENT_TAG
from tasks.tracking.tracked_run import TrackedRun, tracked_run

EXPERIMENT = "seed-experiment"
REPORT_NAME = "seed-experiment.md"
TALK_METHODS = ("slides_euc", "slides_cos")
FEWEST_MAPPED = 50  # nobody looks at the maps of the ladder's steps


@contextmanager
def tracked_experiment(config: TalkExperimentConfig, data_root: Path) -> Iterator[str | None]:
    """Hold the parent run of an experiment, the same one each time; yield its id."""
    layout, name = DataLayout.at(data_root), digest_config(config)
    path = layout.state / "seed-experiments" / name
    path.mkdir(parents=True, exist_ok=True)
    with tracked_run(layout, EXPERIMENT, {"experiment_id": name}, path, EXPERIMENT) as run:
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


def list_draws(config: TalkExperimentConfig) -> list[SyntheticConfig]:
    """List the draws of the data that the experiment is repeated on."""
    return [config.data.model_copy(update={"seed": seed}) for seed in config.data_seeds]


def list_reproductions(config: TalkExperimentConfig) -> list[SyntheticConfig]:
    """List draws of the data whose figures come nearest to the talk's, if they are wanted."""
    sizes = {name: getattr(config.data, name) for name in ("pool_per_class", "test_per_class")}
    seeds = config.data_seeds if config.reproduction else ()
    return [TALK_LIKE_DATA.model_copy(update={**sizes, "seed": seed}) for seed in seeds]


def train_methods(
    data: SyntheticConfig, config: TalkExperimentConfig, parent: str | None, data_root: Path
) -> list[Path]:
    """Train all methods of one draw, one after the other; return their folders."""
    names = config.methods + (config.once if data.seed == config.data_seeds[0] else ())
    return [train_method(data, name, config, parent, data_root) for name in names]


def reproduce_talk(
    data: SyntheticConfig, config: TalkExperimentConfig, parent: str | None, data_root: Path
) -> Path:
    """Train the talk's methods on talk-like data and measure them; return the folder."""
    only = {"methods": tuple(name for name in config.methods if name in TALK_METHODS), "once": ()}
    evaluation = config.evaluation.model_copy(update={"matrix": False})
    config = config.model_copy(update={**only, "evaluation": evaluation})
    trained = train_methods(data, config, parent, data_root)
    return evaluate_seed(data, trained, config, parent, data_root)


def climb_ladder(config: TalkExperimentConfig, parent: str | None, data_root: Path) -> list[Path]:
    """Train each step from the talk to ours on the first draw, measure them together.

    Returns
    -------
    list of Path
        The folder of their figures; none if the config wants no ladder.
    """
    if not config.ladder:
        return []
    only = {"methods": tuple(LADDER_STEPS), "once": (), "map_queries": FEWEST_MAPPED}
    config = config.model_copy(update=only)
    data = list_draws(config)[0]
    trained = train_methods(data, config, parent, data_root)
    return [evaluate_seed(data, trained, config, parent, data_root)]


@task
def train_method(
    data: SyntheticConfig,
    name: str,
    config: TalkExperimentConfig,
    parent: str | None,
    data_root: Path,
) -> Path:
    """Train a method on one draw; return the artifact's folder."""
    method = shorten(seed_method(name), config.training_fraction)
    key, layout = talk_method_key(data, method), DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        with child_run(layout, f"{name}-{data.seed}", key, parent, draft) as run:
            run.log_params({"method": name, "data_seed": data.seed, **method.model_dump()})
            checkpoints = Checkpoints(draft.resume, load_settings().checkpoint_s, skip_damaged=True)
            suite = SyntheticSuite(generate(data))
            hooks = Hooks(logger=run, checkpoints=checkpoints)
            trained = train_talk_method(LABELS.get(name, name), suite, method, hooks)
            values = save_method(trained, data.modality_dims, method, draft.folder)
            run.log_files(draft.folder, later=ArtifactStore(layout).folder(key))
        return {"parameters": float(values)}

    return produce(data_root, key, make, ("parameters",))


@task
def evaluate_seed(
    data: SyntheticConfig,
    methods: Sequence[Path],
    config: TalkExperimentConfig,
    parent: str | None,
    data_root: Path,
) -> Path:
    """Measure trained methods on one draw; return the artifact's folder."""
    ids = [open_artifact(folder).id for folder in methods]
    key, layout = talk_draw_key(data, ids, config), DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        with child_run(layout, f"evaluation-{data.seed}", key, parent, draft) as run:
            counts = evaluate_draw(data, methods, draft.folder, config)
            run.log_metrics(counts, step=0)
        return counts

    folder = produce(data_root, key, make, ("cells",))
    for name, value in open_artifact(folder).counts.items():
        if name.startswith("top1_"):
            method = name.removeprefix("top1_").replace("_", " ")
            report("", f"all classes, all modalities, top-1 of {method}: {value:.3f}")
    return folder


@task
def write_report(
    draws: Sequence[Path],
    reproductions: Sequence[Path],
    ladder: Sequence[Path],
    config: TalkExperimentConfig,
    parent: str | None,
    data_root: Path,
) -> Path:
    """Write the report over all draws; return the artifact's folder."""
    measured = (*draws, *reproductions, *ladder)
    ids = [open_artifact(folder, kind="seed_draw").id for folder in measured]
    key, layout = talk_report_key(ids, config), DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        tables = gather_tables(draws, reproductions, ladder, config)
        with child_run(layout, "report", key, parent, draft) as run:
            counts = write_talk_report(tables, draft.folder)
            run.log_metrics(counts, step=0)
            run.log_files(draft.folder, later=ArtifactStore(layout).folder(key))
        return counts

    return produce(data_root, key, make, ("draws", "cells", "demands", "demands_held"))


def copy_report(folder: Path, target: Path | None) -> None:
    """Copy the page, its figures and its tables to a folder, when one is named."""
    if target is None:
        return
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.suffix in {".md", ".png", ".csv"}:
            shutil.copyfile(path, target / path.name)
    report("", f"copied to {target / REPORT_NAME}")
