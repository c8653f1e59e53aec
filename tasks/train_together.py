"""The training stage on several processes: what torchrun starts.

All processes take the same batches and each encodes its part (`training.engine.gradients`). The
first one tracks the run and stores checkpoints; the others lend their cores. Usually the flow
starts them (`runtime.processes`, `MMPIPELINE_TRAIN_PROCESSES`) and makes the artifact. Started by
hand, on one machine or on several that share the data folder, they make it themselves from the
newest features and pairs: `torchrun ... -m tasks.train_together`.
"""

import argparse
import logging
import os
import sys
import threading
import warnings
from pathlib import Path

from mmpipeline.config.pipeline import load_config
from mmpipeline.config.train import TrainConfig
from mmpipeline.errors import PipelineError
from mmpipeline.planning.newest import default_root, or_newest
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.training.choice import choose_training
from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.metric_logger import NullLogger
from mmpipeline.training.engine.process_group import Processes, joined_processes
from tasks.runtime.device import chosen_device
from tasks.runtime.processes import ERROR_MARK, TrainingWork
from tasks.runtime.shared_storage import fetch
from tasks.stages.training import train, train_into


def main(arguments: list[str]) -> int:
    """Train a model together with the other processes.

    Parameters
    ----------
    arguments
        Of the command line.

    Returns
    -------
    int
        Exit status.
    """
    options = _parse(arguments)
    warnings.filterwarnings("ignore", module="mlflow")  # its deprecations are not ours
    _say_lines()
    try:
        with chosen_device() as device, joined_processes(device) as processes:
            work = _choose(options)
            if options.into is None:
                train_together(work, processes)
            else:
                threading.Thread(target=_end_with_parent, daemon=True).start()
                fill_together(work, options.into, options.resume, processes)
    except PipelineError as error:
        sys.stderr.write(f"{ERROR_MARK}{error}\n")
        return 1
    return 0


def train_together(work: TrainingWork, processes: Processes) -> None:
    """Make a model's artifact, unless it exists.

    Parameters
    ----------
    work
        What is trained from what; all processes see the data folder.
    processes
        The group that was joined.
    """
    store = ArtifactStore(DataLayout.at(work.data_root))
    is_there = processes.is_main and (store.find(work.key) or fetch(store, work.key)) is not None
    exists = processes.broadcast(float(is_there))
    if processes.is_main:
        train.fn(work.features, work.pairs, work.config, work.data_root)
    elif not exists:
        _join_training(work, store.resume_folder(work.key))


def fill_together(work: TrainingWork, folder: Path, resume: Path, processes: Processes) -> None:
    """Fill a folder with a model's files, for the process that started this group.

    Parameters
    ----------
    work
        What is trained from what.
    folder
        To fill.
    resume
        What an attempt that was broken off left; gets the outcome.
    processes
        The group that was joined.
    """
    if processes.is_main:
        train_into(work, folder, resume).write(resume)
    else:
        _join_training(work, resume)


def _join_training(work: TrainingWork, resume: Path) -> None:
    """Train along; only the first process writes."""
    train_by = choose_training(work.config.batches)
    checkpoints = Checkpoints(resume)
    train_by(work.features, work.pairs, work.data_root, work.config, NullLogger(), checkpoints)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tasks.train_together", description="Train together.")
    parser.add_argument("--config", type=Path, help="a TOML file; its section [train] counts")
    parser.add_argument("--config-json", help="the section itself")
    parser.add_argument("--features", type=Path, help="default: the newest")
    parser.add_argument("--pairs", type=Path, help="default: the newest")
    parser.add_argument("--data-root", type=Path, help="default: the environment's")
    parser.add_argument("--into", type=Path, help="fill this folder instead of making an artifact")
    parser.add_argument("--resume", type=Path, help="with --into: what to go on from")
    return parser.parse_args(arguments)


def _choose(options: argparse.Namespace) -> TrainingWork:
    root = options.data_root or default_root()
    config = (
        TrainConfig.model_validate_json(options.config_json)
        if options.config_json
        else load_config(options.config).train
    )
    folders = [or_newest(getattr(options, kind), kind, root) for kind in ("features", "pairs")]
    return TrainingWork(folders[0], folders[1], config, root)


def _say_lines() -> None:
    """Print the stage's lines, once for all processes."""
    log = logging.getLogger("mmpipeline.run")
    is_main = os.environ.get("RANK", "0") == "0"
    log.handlers, log.propagate = [logging.StreamHandler(sys.stdout)] if is_main else [], False
    log.setLevel(logging.INFO)


def _end_with_parent() -> None:
    """End when whoever started the group is gone: it holds the other end of this pipe."""
    while os.read(0, 4096):  # not sys.stdin, whose lock would outlive the interpreter
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
