"""A grid of trainings: cells as nested runs, one leaderboard.

A cell is four artifacts: features, model, evaluation on validation recipes, scores on the frozen
set. What exists is found by its id and not made again; a training that was killed goes on from its
checkpoint in the same run. A cell whose model was trained elsewhere gets a run below the grid's all
the same, written from the artifacts, so that all cells lie side by side with the same names.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pandas as pd
from prefect import task

from mmpipeline.config.evaluate import ComparisonConfig
from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.train import TrainConfig
from mmpipeline.evaluation.reports.leaderboard import (
    choose_cell,
    tabulate_results,
    write_leaderboard,
)
from mmpipeline.planning.keys import comparison_key, features_key, model_key
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.training.grid import GridCell, list_cells
from mmpipeline.training.grid_results import TrainedCell as TrainedCell
from mmpipeline.training.grid_results import count_training, read_result
from mmpipeline.training.pairs.validation import measure_baselines
from tasks.runtime.stage import produce, report
from tasks.tracking.run_figures import Measured, measured_in_evaluation, measured_on_frozen
from tasks.tracking.store import PARENT_TAG
from tasks.tracking.tracked_run import TrackedRun, reopen_run, tracked_run
from tasks.tracking.training_run import GridRun, describe_encoders, describe_inputs, log_pairs

GRID_TAG, CELL_TAG, COUNTED_TAG = "grid", "cell", "counted_id"
AXES = ("loss", "fusion", "encoder", "features", "seed")


@contextmanager
def grid_run(config: ComparisonConfig, data_root: Path) -> Iterator[TrackedRun]:
    """Hold the parent run of a grid, the same one each time for a name."""
    layout = DataLayout.at(data_root)
    path = layout.state / "grids" / config.name
    path.mkdir(parents=True, exist_ok=True)
    tags = {GRID_TAG: config.name, "cells": str(config.cells)}
    with tracked_run(layout, f"grid {config.name}", tags, path) as run:
        run.set_tags(tags)
        yield run


def plan_cells(config: PipelineConfig) -> list[GridCell]:
    """List the cells of the grid of a config, in the order in which they are made."""
    return list(list_cells(config.comparison, config.features, config.train))


def describe_run(cell: GridCell, config: ComparisonConfig, parent: TrackedRun) -> GridRun:
    """Say how the run of a cell is called and tagged."""
    tags = {GRID_TAG: config.name, CELL_TAG: cell.name}
    tags |= {f"cell.{axis}": str(value) for axis, value in cell.axes().items()}
    return GridRun(cell.name, tags | ({PARENT_TAG: parent.run_id} if parent.run_id else {}))


class Progress:
    """Says which cell is next, and how long the rest may take.

    Parameters
    ----------
    cells
        All of them, in the order in which they will be made.

    Attributes
    ----------
    fresh
        How many were not trained yet when their turn came.
    """

    def __init__(self, cells: Sequence[GridCell]) -> None:
        self.fresh = 0
        self._left = len(cells)
        self._cells = len(cells)
        self._started = time.perf_counter()

    def announce(self, cell: GridCell, catalog: Path, pairs: Path, data_root: Path) -> None:
        """Say that a cell is next."""
        left = ""
        if self.fresh:
            seconds = (time.perf_counter() - self._started) / self.fresh * self._left
            left = f"; at most {max(1, round(seconds / 60))} min left"
        report("cell", f"{self._cells - self._left + 1} of {self._cells}: {cell.name}{left}")
        self._left -= 1
        self.fresh += not is_trained(cell, catalog, pairs, data_root)


def is_trained(cell: GridCell, catalog: Path, pairs: Path, data_root: Path) -> bool:
    """Tell whether the model of a cell exists."""
    store = ArtifactStore(DataLayout.at(data_root))
    features = features_key(open_artifact(catalog).id, cell.feature_config)
    key = model_key(features.id, open_artifact(pairs).id, cell.train_config)
    return store.find(key) is not None and not store.renewal_requested(key)


def log_cell(
    trained: TrainedCell, how: GridRun, frozen: Path | None, data_root: Path
) -> str | None:
    """See to it that the cell's run below the grid's holds everything; return its id.

    Parameters
    ----------
    trained
        The cell.
    how
        How its run is called and tagged.
    frozen
        Folder of the frozen set, if there is one.
    data_root
        The data folder.

    Returns
    -------
    str or None
        None when the store is away.
    """
    layout = DataLayout.at(data_root)
    if PARENT_TAG not in how.tags:
        return None
    model = open_artifact(trained.model, kind="model")
    wanted = {PARENT_TAG: how.tags[PARENT_TAG], "model_id": model.id, CELL_TAG: how.name}
    run = reopen_run(layout, None, wanted) or _write_run(layout, trained, model, how)
    if not run.has_tag(COUNTED_TAG, model.id):
        run.log_metrics(count_training(trained, model), step=0)
        run.set_tags({COUNTED_TAG: model.id})
    for measured in _measured(layout, trained, model, frozen):
        measured.log_to(run)
    return run.run_id


def _write_run(
    layout: DataLayout, trained: TrainedCell, model: Artifact, how: GridRun
) -> TrackedRun:
    """Write the run of a training from its artifact, as the training itself would have."""
    features = open_artifact(trained.features, kind="features")
    pairs = open_artifact(layout.artifacts("pairs") / model.manifest.inputs["pairs"], kind="pairs")
    tags = describe_inputs(model.id, features, pairs) | how.tags
    with tracked_run(layout, how.name, tags) as run:
        log_pairs(run, pairs)
        run.log_params(describe_encoders(features))
        run.log_params(TrainConfig.model_validate(model.manifest.config).model_dump())
        for epoch in json.loads(model.file("metrics.json").read_bytes())["epochs"]:
            figures = {name: value for name, value in epoch.items() if name != "epoch"}
            run.log_metrics(figures, step=int(epoch["epoch"]))
        run.log_files(model.folder)
    return TrackedRun(layout, run.head)


def _measured(
    layout: DataLayout, trained: TrainedCell, model: Artifact, frozen: Path | None
) -> Iterator[Measured]:
    pairs = open_artifact(layout.artifacts("pairs") / model.manifest.inputs["pairs"])
    catalog = layout.artifacts("catalog") / pairs.manifest.inputs["catalog"]
    yield measured_in_evaluation(open_artifact(trained.validation, kind="evaluation"), catalog)
    if trained.test is not None:
        yield measured_in_evaluation(open_artifact(trained.test, kind="evaluation"), catalog)
    if trained.frozen_scores is not None and frozen is not None:
        yield measured_on_frozen(open_artifact(trained.frozen_scores), frozen)


@task
def measure_score_baselines(features: Path, pairs: Path, config: TrainConfig) -> dict[str, float]:
    """Return the validation score of raw features and of chance."""
    return {f"val_score_{name}": value for name, value in _weigh(features, pairs, config.seed)}


@cache  # cells that differ in their model alone share it; artifacts do not change
def _weigh(features: Path, pairs: Path, seed: int) -> tuple[tuple[str, float], ...]:
    return tuple(measure_baselines(features, pairs, seed).items())


def choose(cells: Sequence[TrainedCell]) -> int:
    """Choose a cell by its validation figures; say which."""
    position = choose_cell([read_result(cell, None) for cell in cells])
    report("chosen", f"on validation: {cells[position].cell.name}")
    return position


@task
def write_comparison(
    cells: Sequence[TrainedCell],
    run_ids: Sequence[str | None],
    config: ComparisonConfig,
    parent: TrackedRun,
    data_root: Path,
) -> Path:
    """Write the leaderboard and log it to the grid's run; return the artifact's folder."""
    results = [read_result(*pair) for pair in zip(cells, run_ids, strict=True)]
    folders = [f for cell in cells for f in (cell.validation, cell.frozen_scores, cell.test) if f]
    key = comparison_key([folder.name for folder in folders], config)
    table = tabulate_results(results)

    def make(draft: Draft) -> dict[str, float]:
        write_leaderboard(table.drop(columns="run_id"), draft.folder, f"Grid {config.name}")
        return {"cells": float(len(table)), "settings": float(table["rank"].nunique())}

    folder = produce(data_root, key, make, ("cells", "settings"))
    layout = DataLayout.at(data_root)
    # A run that was taken up again does not log a step twice; the figures here may be new ones.
    run = TrackedRun(layout, {"run_id": parent.run_id}) if parent.run_id else parent
    if not run.has_tag("comparison_id", folder.name):
        pairs = open_artifact(cells[0].model).manifest.inputs["pairs"]
        log_pairs(run, open_artifact(layout.artifacts("pairs") / pairs, kind="pairs"))
        _log_comparison(run, config, table, folder)
    return folder


def _log_comparison(
    run: TrackedRun, config: ComparisonConfig, table: pd.DataFrame, folder: Path
) -> None:
    (chosen,) = table[table["chosen"]].to_dict("records")
    figures = {
        f"chosen_{name}": float(value)
        for name, value in chosen.items()
        if str(name).startswith(("val_", "test_", "frozen_")) and pd.notna(value)
    }
    axes = ("losses", "fusions", "encoders", "seeds", "feature_sets")
    run.log_metrics(figures | {"cells": float(len(table))}, step=0)
    run.log_files(folder)
    run.log_dataset(table.drop(columns="run_id"), "leaderboard", folder)
    run.set_tags({
        "comparison_id": folder.name,
        "chosen_cell": " ".join(str(chosen[axis]) for axis in AXES),
        "chosen_model_id": str(chosen["model_id"]),
        "cells": str(len(table)),
        **{axis: ", ".join(map(str, getattr(config, axis))) for axis in axes},
    })


def summarise(folder: Path, config: ComparisonConfig, trained: int) -> dict[str, object]:
    """Return what a grid came to, as plain JSON.

    Parameters
    ----------
    folder
        Of the comparison artifact.
    config
        The grid.
    trained
        How many cells were trained in this run.

    Returns
    -------
    dict
        ``grid``, ``cells``, ``trained``, ``reused``, ``leaderboard`` (a path) and ``chosen``: its
        row of the leaderboard.
    """
    rows = json.loads((folder / "leaderboard.json").read_bytes())
    return {
        "grid": config.name,
        "cells": len(rows),
        "trained": trained,
        "reused": len(rows) - trained,
        "leaderboard": str(folder / "leaderboard.html"),
        "chosen": next(row for row in rows if row["chosen"]),
    }


def say_chosen(folder: Path) -> None:
    """Say how the chosen cell does, each figure beside its baseline and chance."""
    rows = json.loads((folder / "leaderboard.json").read_bytes())
    row = next(row for row in rows if row["chosen"])
    report(
        "",
        f"validation score {row['val_score']:.3f} (raw features {row['val_score_raw']:.3f}, "
        f"chance {row['val_score_chance']:.3f})",
    )
    for source in ("val", "test", "frozen"):
        name = f"{source}_dish_full_recall_at_1"
        if row.get(name) is not None:
            report(
                "",
                f"{source}: right dish first by everything {row[name]:.3f} (raw features "
                f"{row[name + '_raw']:.3f}, chance {row[name + '_chance']:.3f})",
            )
