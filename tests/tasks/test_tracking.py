"""One run in a real SQLite store: params, metrics per step, data set, files, state."""

from pathlib import Path

import pandas as pd
import pytest

from mmpipeline.storage import DataLayout
from tasks.servers import tracking_uri
from tasks.tracking import reopen_run, tracked_run

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
