"""The training stage on several processes: `torchrun ... -m tasks.train_together`.

All processes take the same batches and each encodes its part (see `training.gradients`). The first
one makes the artifact, tracks the run and stores checkpoints, exactly as the flow `train_fusion`
does; the others lend their cores.
"""

import argparse
import logging
import sys
import warnings
from pathlib import Path

from mmpipeline.config import TrainConfig, load_config
from mmpipeline.errors import PipelineError
from mmpipeline.storage import ArtifactStore, DataLayout, open_artifact
from mmpipeline.training import Checkpoints, NullLogger
from mmpipeline.training.processes import Processes, joined_processes
from tasks.keys import model_key
from tasks.newest import default_root, or_newest
from tasks.shared_storage import fetch
from tasks.training import TRAININGS, train


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
    parser = argparse.ArgumentParser(prog="tasks.train_together", description="Train together.")
    parser.add_argument("--config", type=Path, help="a TOML file; its section [train] counts")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", module="mlflow")  # its deprecations are not ours
    try:
        with joined_processes() as processes:
            train_together(load_config(options.config).train, default_root(), processes)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def train_together(config: TrainConfig, data_root: Path, processes: Processes) -> None:
    """Train on the newest features and pairs, unless that model exists.

    Parameters
    ----------
    config
        The model and its training.
    data_root
        The data folder, which all processes see.
    processes
        The group that was joined.
    """
    features, pairs = (or_newest(None, kind, data_root) for kind in ("features", "pairs"))
    store = ArtifactStore(DataLayout.at(data_root))
    key = model_key(open_artifact(features).id, open_artifact(pairs).id, config)
    is_there = processes.leads and (store.find(key) or fetch(store, key)) is not None
    exists = processes.agree(float(is_there))
    if processes.leads:
        log = logging.getLogger("mmpipeline.run")
        log.handlers, log.propagate = [logging.StreamHandler(sys.stdout)], False
        log.setLevel(logging.INFO)
        train.fn(features, pairs, config, data_root)
    elif not exists:
        checkpoints = Checkpoints(store.resume_folder(key))
        TRAININGS[config.batches](features, pairs, data_root, config, NullLogger(), checkpoints)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
