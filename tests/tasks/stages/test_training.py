"""The training stage goes on by itself where a broken-off attempt stopped."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mmpipeline.config import TrainConfig
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, digest_file, open_artifact
from mmpipeline.training import NullLogger, train_model
from tasks.servers.prefect import tracking_uri
from tasks.stages.training import train
from tasks.tracking.tracked_run import TrackedRun
from tests.training.conftest import world  # noqa: F401 -- a fixture

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours
CONFIG = TrainConfig(
    batches="pairs", epochs=4, anchors_per_batch=24, hidden_dim=32, embedding_dim=16, patience=4
)


def publish(root: Path, kind: str, folder: Path) -> Path:
    store = ArtifactStore(DataLayout.at(root))
    key = ArtifactKey(kind, {"catalog": "c"}, {}, "")
    with store.create(key) as draft:
        shutil.copytree(folder, draft.folder, dirs_exist_ok=True)
    return store.folder(key)


def test_an_attempt_that_broke_off_is_taken_up_again(
    world: object,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from mlflow import MlflowClient

    root = tmp_path / "root"
    inputs = [publish(root, kind, getattr(world, kind)) for kind in ("features", "pairs")]

    def break_off(self: TrackedRun, metrics: Mapping[str, float], step: int) -> None:
        log_metrics(self, metrics, step)
        if step == 3:
            raise ZeroDivisionError

    log_metrics = TrackedRun.log_metrics
    monkeypatch.setenv("MMPIPELINE_CHECKPOINT_S", "0")
    whole = tmp_path / "whole"
    whole.mkdir()
    train_model(*inputs, whole, CONFIG, NullLogger())
    monkeypatch.setattr(TrackedRun, "log_metrics", break_off)
    with pytest.raises(ZeroDivisionError):
        train.fn(*inputs, CONFIG, root)
    monkeypatch.setattr(TrackedRun, "log_metrics", log_metrics)
    with caplog.at_level(logging.INFO, logger="mmpipeline.run"):
        model = open_artifact(train.fn(*inputs, CONFIG, root))
    assert "training goes on from step 11" in caplog.text  # three of four epochs, but for a step
    digests = {name: entry["sha256"] for name, entry in model.manifest.files.items()}
    assert digests == {path.name: digest_file(path) for path in whole.iterdir()}
    layout = DataLayout.at(root)
    assert list(layout.temporary.iterdir()) == []
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    run = client.get_run(model.manifest.notes["mlflow_run_id"])
    assert run.info.status == "FINISHED"
    history = client.get_metric_history(run.info.run_id, "val_score")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    busy = client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
    assert [metric.step for metric in busy] == [1, 2, 3, 4]
