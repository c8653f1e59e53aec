"""Trainings of the seed experiment as artifacts and nested MLflow runs, also after a kill."""

import subprocess
import sys
from pathlib import Path

import pytest

from mmpipeline.config import TalkExperimentConfig
from mmpipeline.storage import DataLayout
from mmpipeline.talk.data import generate
from mmpipeline.talk.measure.suite import SyntheticSuite
from mmpipeline.talk.methods.files import save_method
from mmpipeline.talk.methods.presets import seed_method, shorten
from mmpipeline.talk.methods.train import train_talk_method
from tasks.servers.prefect import tracking_uri
from tasks.stages import talk

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours

ROOT = Path(__file__).parents[3]
DIES = """
import os, sys
from pathlib import Path
os.environ["MMPIPELINE_CHECKPOINT_S"] = "0.2"
from mmpipeline.config import TalkExperimentConfig
from tasks.stages import talk
from tasks.tracking import tracked_run
config = TalkExperimentConfig.model_validate_json(sys.argv[2])
log = tracked_run.TrackedRun.log_metrics
def log_or_die(self, metrics, step):
    if step == 2:
        os._exit(9)
    log(self, metrics, step)
tracked_run.TrackedRun.log_metrics = log_or_die
root = Path(sys.argv[1])
with talk.tracked_experiment(config, root) as parent:
    talk.train_method.fn(config.data, "slides_cos", config, parent, root)
"""


@pytest.fixture
def config() -> TalkExperimentConfig:
    quick = TalkExperimentConfig().quick()
    return quick.model_copy(update={"training_fraction": 0.1})  # 3 rounds of 100 steps


def train(config: TalkExperimentConfig, root: Path) -> Path:
    with talk.tracked_experiment(config, root) as parent:
        return talk.train_method.fn(config.data, "slides_cos", config, parent, root)


def test_a_killed_training_goes_on_in_its_run_and_ends_the_same(
    config: TalkExperimentConfig, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    root = tmp_path / "killed"
    killed = subprocess.run(
        [sys.executable, "-c", DIES, str(root), config.model_dump_json()], cwd=ROOT, check=False
    )
    assert killed.returncode == 9
    folder = train(config, root)
    whole = tmp_path / "whole"
    whole.mkdir()
    method = shorten(seed_method("slides_cos"), config.training_fraction)
    trained = train_talk_method("COS", SyntheticSuite(generate(config.data)), method)
    save_method(trained, config.data.modality_dims, method, whole)
    weights = [(path / "method.safetensors").read_bytes() for path in (folder, whole)]
    assert weights[0] == weights[1]
    layout = DataLayout.at(root)
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    experiment = client.get_experiment_by_name("seed-experiment")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"seed-experiment", "slides_cos-2021"}
    child, parent = runs["slides_cos-2021"], runs["seed-experiment"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert {child.info.status, parent.info.status} == {"FINISHED"}
    history = client.get_metric_history(child.info.run_id, "train_loss")
    assert [metric.step for metric in history] == [1, 2, 3]

    assert train(config, root) == folder  # found, not trained: no further run
    assert len(client.search_runs([experiment.experiment_id])) == 2


def test_a_report_is_copied_whole(tmp_path: Path) -> None:
    made, target = tmp_path / "made", tmp_path / "docs"
    made.mkdir()
    for name in ("seed-experiment.md", "a.png", "a.csv", "manifest.json"):
        (made / name).write_text(name)
    talk.copy_report(made, None)
    talk.copy_report(made, target)
    assert {path.name for path in target.iterdir()} == {"seed-experiment.md", "a.png", "a.csv"}
