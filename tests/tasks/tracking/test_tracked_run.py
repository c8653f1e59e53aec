"""One run in a real SQLite store: params, metrics per step, data set, files, state."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from torch import nn
from werkzeug.serving import make_server

from mmpipeline.storage import DataLayout
from mmpipeline.training import Hooks
from mmpipeline.training.engine.fit import fit
from tasks.servers.prefect import tracking_uri
from tasks.tracking.metric_spool import spool_folder
from tasks.tracking.tracked_run import reopen_run, send_left_behind, tracked_run
from tests.training.tiny_training import CONFIG, CONTRAST, make_net, make_source

if TYPE_CHECKING:
    from mlflow.entities import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours


@pytest.fixture
def layout(tmp_path: Path) -> DataLayout:
    return DataLayout.at(tmp_path)


def test_a_run_holds_everything_that_was_logged(layout: DataLayout, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text("{}")
    with tracked_run(layout, "a run", {"pairs_id": "abc"}) as run:
        run.log_params({"epochs": 2, "note": "x" * 9000})
        for step in range(2):
            run.log_metrics({"loss": 1.0 / (step + 1), "score": step}, step)
        run.log_dataset(pd.DataFrame({"kind": ["positive"], "count": [1]}), "training", tmp_path)
        run.log_files(tmp_path / "out")
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    stored = client.get_run(run.run_id)
    assert stored.info.status == "FINISHED"
    assert stored.data.params["epochs"] == "2"
    assert stored.data.tags["pairs_id"] == "abc"
    assert [m.value for m in client.get_metric_history(run.run_id, "loss")] == [1.0, 0.5]
    assert stored.inputs.dataset_inputs[0].dataset.name == "training"
    assert [file.path for file in client.list_artifacts(run.run_id)] == ["metrics.json"]
    again = reopen_run(layout, run.run_id)
    assert again is not None
    again.log_metrics({"title_recall_at_1": 0.9}, step=0)
    assert client.get_run(run.run_id).data.metrics["title_recall_at_1"] == 0.9
    assert reopen_run(layout, "0" * 32) is None


def test_a_failing_block_is_a_failed_run(layout: DataLayout) -> None:
    from mlflow import MlflowClient

    def fail() -> None:
        with tracked_run(layout, "a run", {}):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    (experiment,) = (e for e in client.search_experiments() if e.name == "fusion-model")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"


class Server:
    """MLflow's own server over HTTP on loopback, on its own database."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = f"sqlite:///{folder / 'server.db'}"
        monkeypatch.setenv("_MLFLOW_SERVER_FILE_STORE", self.store)
        monkeypatch.setenv("_MLFLOW_SERVER_ARTIFACT_ROOT", (folder / "files").as_uri())
        monkeypatch.setenv("_MLFLOW_SERVER_SERVE_ARTIFACTS", "false")
        self.port = 0
        self.start()
        monkeypatch.setenv("MMPIPELINE_MLFLOW_URI", f"http://127.0.0.1:{self.port}")

    def start(self) -> None:
        from mlflow.server import app

        self._server = make_server("127.0.0.1", self.port, app, threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    from mlflow.server import handlers

    monkeypatch.setattr(handlers, "_tracking_store", None)  # it keeps the first one for good
    running = Server(tmp_path, monkeypatch)
    yield running
    running.stop()


def stored_runs(uri: str) -> list["Run"]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    names = [e.experiment_id for e in client.search_experiments() if e.name == "fusion-model"]
    return client.search_runs(names)


def history(uri: str, run_id: str, name: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    entries = MlflowClient(tracking_uri=uri).get_metric_history(run_id, name)
    return [(metric.step, metric.value) for metric in entries]


def spools(layout: DataLayout) -> list[str]:
    return [path.suffix for path in spool_folder(layout).glob("*") if path.suffix != ".lock"]


def test_training_goes_on_without_the_server_and_metrics_arrive_later(
    layout: DataLayout, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def selector(_: nn.Module) -> dict[str, float]:
        rounds.append(len(rounds) + 1)
        if len(rounds) == 3:
            server.stop()
        return {"val_score": float(len(rounds))}

    rounds: list[int] = []
    with (
        caplog.at_level(logging.INFO, logger="mmpipeline.run"),
        tracked_run(layout, "a run", {"model_id": "abc"}) as run,
    ):
        net = make_net()
        result = fit(net, make_source(), CONTRAST, CONFIG, Hooks(run, selector=selector))
        run.log_files(layout.root / "gone", later=layout.state)
    assert (len(result.history), result.best_round) == (5, 5)
    assert caplog.text.count("MLflow cannot be reached") == 1
    assert spools(layout) == [".jsonl"]
    assert [len(history(server.store, str(run.run_id), "val_score"))] == [2]
    server.start()
    with tracked_run(layout, "the next one", {}):
        pass
    assert spools(layout) == []
    expected = [(number, float(number)) for number in range(1, 6)]
    assert history(server.store, str(run.run_id), "val_score") == expected
    losses = [(int(entry["round"]), entry["train_loss"]) for entry in result.history]
    assert history(server.store, str(run.run_id), "train_loss") == losses
    assert {entry.info.status for entry in stored_runs(server.store)} == {"FINISHED"}
    assert len(stored_runs(server.store)) == 2


def test_a_run_that_began_without_the_server_is_made_when_it_comes(
    layout: DataLayout, server: Server
) -> None:
    server.stop()
    with tracked_run(layout, "a run", {"model_id": "abc"}) as run:
        run.log_params({"epochs": 3})
        run.log_dataset(pd.DataFrame({"kind": ["positive"]}), "training", layout.root)
        run.log_metrics({"loss": 0.5}, step=1)
        assert run.run_id is None
    assert reopen_run(layout, None, {"model_id": "abc"}) is None
    server.start()
    found = reopen_run(layout, None, {"model_id": "abc"})
    assert found is not None
    (stored,) = stored_runs(server.store)
    assert stored.info.run_id == found.run_id
    assert (stored.info.run_name, stored.info.status) == ("a run", "FINISHED")
    assert (stored.data.params, stored.data.metrics) == ({"epochs": "3"}, {"loss": 0.5})
    assert stored.inputs.dataset_inputs[0].dataset.name == "training"
    assert stored.info.start_time <= stored.info.end_time
    assert spools(layout) == []


def test_what_the_store_refuses_for_good_is_put_aside(
    layout: DataLayout, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with tracked_run(layout, "a run", {}) as run:
        server.stop()
        run.log_metrics({"loss": 0.5}, step=1)
    with sqlite3.connect(server.store.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE runs SET run_uuid = 'another'")
    server.start()
    send_left_behind(layout)
    assert "MLflow refuses what is kept in" in caplog.text
    assert spools(layout) == [".refused"]


def test_a_locked_store_stops_nobody(layout: DataLayout) -> None:
    with tracked_run(layout, "a run", {}) as run:
        run.log_metrics({"loss": 0.5}, step=1)
        with sqlite3.connect(layout.state / "mlflow.db") as database:
            database.execute("BEGIN EXCLUSIVE")
            run.log_metrics({"loss": 0.4}, step=2)  # MLflow itself waits 20 seconds
            run.log_metrics({"loss": 0.3}, step=3)  # which is not tried again so soon
            database.rollback()
        assert spools(layout) == [".jsonl"]
    send_left_behind(layout)
    assert history(tracking_uri(layout), str(run.run_id), "loss") == [(1, 0.5), (2, 0.4), (3, 0.3)]


def test_the_next_attempt_goes_on_with_the_same_run(layout: DataLayout, tmp_path: Path) -> None:
    def train(upto: int) -> str | None:
        with tracked_run(layout, "a run", {}, tmp_path / "resume") as run:
            for step in range(1, upto + 1):
                run.log_metrics({"loss": 1 / step}, step)
            if upto < 4:
                raise ZeroDivisionError
        return run.run_id

    with pytest.raises(ZeroDivisionError):
        train(3)
    run_id = train(4)
    (stored,) = stored_runs(tracking_uri(layout))
    assert (stored.info.run_id, stored.info.status) == (run_id, "FINISHED")
    assert history(tracking_uri(layout), stored.info.run_id, "loss") == [
        (step, 1 / step) for step in range(1, 5)
    ]
