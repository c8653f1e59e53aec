"""The training stage on several processes of this machine, started by torchrun from the flow.

`MMPIPELINE_TRAIN_PROCESSES` says how many. They run `tasks.train_together`; the flow's process
passes their lines on and makes the artifact from the folder that they fill. They end when the pipe
from this process closes, so a killed run leaves none behind, and the next one goes on from their
checkpoint.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mmpipeline.config.train import TrainConfig
from mmpipeline.errors import StageError
from mmpipeline.planning.keys import model_key
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from mmpipeline.storage.provenance import ArtifactKey
from tasks.runtime.stage import log

OUTCOME_NAME = "outcome.json"
ERROR_MARK = "error: "


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """What is trained from what.

    Attributes
    ----------
    features, pairs
        Folders of artifacts of one catalogue.
    config
        The model and its training.
    data_root
        The data folder.
    """

    features: Path
    pairs: Path
    config: TrainConfig
    data_root: Path

    @property
    def key(self) -> ArtifactKey:
        """Key of the model."""
        features = open_artifact(self.features, kind="features")
        return model_key(features.id, open_artifact(self.pairs, kind="pairs").id, self.config)


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a finished training says of itself.

    Attributes
    ----------
    counts
        Of the artifact.
    run_id
        MLflow's; None while its store is away.
    """

    counts: dict[str, float]
    run_id: str | None

    def write(self, resume: Path) -> None:
        """Leave it for the process that started the training."""
        (resume / OUTCOME_NAME).write_text(json.dumps(asdict(self)), encoding="utf-8")


def start_together(
    work: TrainingWork, folder: Path, resume: Path, processes: int
) -> TrainingOutcome:
    """Train with several processes of this machine.

    Parameters
    ----------
    work
        What is trained from what.
    folder
        They fill it with the model's files.
    resume
        What an attempt that was broken off left.
    processes
        How many; each gets its share of the cores.

    Returns
    -------
    TrainingOutcome
        As the first of them tells it.

    Raises
    ------
    StageError
        If they fail.
    """
    (resume / OUTCOME_NAME).unlink(missing_ok=True)
    errors = DataLayout.at(work.data_root).state / "logs" / "train-together.log"
    errors.parent.mkdir(parents=True, exist_ok=True)
    environment = {"GLOO_SOCKET_IFNAME": "lo", **os.environ} if sys.platform == "linux" else None
    with (
        errors.open("wb") as log_file,
        subprocess.Popen(
            _command(work, folder, resume, processes),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_file,
            env=environment,
            text=True,
        ) as group,
    ):
        for line in group.stdout or ():
            log.info("%s", line.rstrip())
    if group.returncode != 0 or not (resume / OUTCOME_NAME).is_file():
        lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line.removeprefix(ERROR_MARK) for line in lines if line.startswith(ERROR_MARK)]
        reason = told[-1] if told else f"they ended with status {group.returncode}"
        raise StageError(f"training on {processes} processes failed: {reason}; see {errors}")
    return TrainingOutcome(**json.loads((resume / OUTCOME_NAME).read_bytes()))


def _command(work: TrainingWork, folder: Path, resume: Path, processes: int) -> Sequence[str]:
    return [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--nproc-per-node", str(processes), "-m", "tasks.train_together"),
        *("--features", str(work.features), "--pairs", str(work.pairs)),
        *("--config-json", work.config.model_dump_json(), "--data-root", str(work.data_root)),
        *("--into", str(folder), "--resume", str(resume)),
    ]
