"""The flow's process starts a group, makes the artifact of what it filled, and outlives it."""

import dataclasses
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from mmpipeline.errors import StageError
from mmpipeline.models import load_model
from mmpipeline.storage import DataLayout, open_artifact
from tasks.runtime.processes import TrainingWork, start_together
from tasks.servers.prefect import tracking_uri
from tasks.stages.training import train
from tests.tasks.stages.test_training import CONFIG, publish
from tests.training.conftest import world  # noqa: F401 -- a fixture

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours
ROOT = Path(__file__).parents[3]
FEW = CONFIG.model_copy(update={"epochs": 2, "dropout": 0})  # whose draws follow from pieces
STARTER = """
import sys
from pathlib import Path
from mmpipeline.config import TrainConfig
from tasks.runtime.processes import TrainingWork, start_together

features, pairs, root, config, into = sys.argv[1:]
config = TrainConfig.model_validate_json(config)
work = TrainingWork(Path(features), Path(pairs), config, Path(root))
start_together(work, Path(into), Path(into), 2)
"""


@pytest.fixture
def work(world: object, tmp_path: Path) -> TrainingWork:  # noqa: F811
    root = tmp_path / "root"
    features, pairs = (publish(root, kind, getattr(world, kind)) for kind in ("features", "pairs"))
    return TrainingWork(features, pairs, FEW, root)


def test_two_processes_of_the_flow_train_the_model_of_one(
    work: TrainingWork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from mlflow import MlflowClient

    caplog.set_level(logging.INFO, logger="mmpipeline.run")
    monkeypatch.setenv("MMPIPELINE_TRAIN_PROCESSES", "2")
    two = open_artifact(train.fn(work.features, work.pairs, work.config, work.data_root))
    layout = DataLayout.at(work.data_root)
    assert (layout.state / "logs" / "train-together.log").is_file()
    assert list(layout.temporary.iterdir()) == []
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    run = client.get_run(two.manifest.notes["mlflow_run_id"])
    assert run.info.status == "FINISHED"
    assert len(client.get_metric_history(run.info.run_id, "val_score")) == 2

    monkeypatch.setenv("MMPIPELINE_TRAIN_PROCESSES", "1")
    models = [load_model(two.folder)]
    two.folder.rename(tmp_path / "set-aside")
    one = open_artifact(train.fn(work.features, work.pairs, work.config, work.data_root))
    assert one.id == two.id
    assert one.counts.keys() == two.counts.keys()
    models.append(load_model(one.folder))
    for first, second in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=1e-4)


def test_what_fails_there_is_said_here(work: TrainingWork, tmp_path: Path) -> None:
    broken = dataclasses.replace(work, features=tmp_path / "nothing")
    (tmp_path / "into").mkdir()
    with pytest.raises(
        StageError, match=r"on 2 processes failed: no artifact at .*nothing; run the stage"
    ):
        start_together(broken, tmp_path / "into", tmp_path / "into", 2)


@pytest.mark.soak
def test_a_group_ends_with_the_process_that_started_it(work: TrainingWork, tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    long = work.config.model_copy(update={"epochs": 10_000, "patience": 10_000})
    arguments = [work.features, work.pairs, work.data_root, long.model_dump_json()]
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, *map(str, arguments), str(tmp_path / "into")], cwd=ROOT
    )
    children: list[psutil.Process] = []
    while len(children) < 3:  # torchrun and its two
        assert starter.poll() is None
        time.sleep(0.2)
        children = psutil.Process(starter.pid).children(recursive=True)
    time.sleep(5)  # into their training
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
