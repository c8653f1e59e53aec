"""A measurement is logged to a run once."""

from pathlib import Path

import pandas as pd
import pytest

from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout
from tasks.servers.prefect import tracking_uri
from tasks.tracking.run_figures import Measured, add_short_names
from tasks.tracking.tracked_run import reopen_run, tracked_run

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours


def test_a_run_gets_what_it_lacks_and_nothing_twice(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    layout = DataLayout.at(tmp_path)
    store, key = ArtifactStore(layout), ArtifactKey("evaluation", {}, {}, "")
    with store.create(key) as draft:
        (draft.folder / "report.md").write_text("all is well")
    artifact = store.find(key)
    assert artifact is not None
    data = ("evaluation", pd.DataFrame({"split": ["test"]}), tmp_path)
    measured = Measured("validation", artifact, {"top1": 0.5}, "validation", {"a": "b"}, data)
    with tracked_run(layout, "a run", {}) as run:
        pass
    again = reopen_run(layout, run.run_id)
    assert again is not None
    assert measured.log_to(again)
    assert not measured.log_to(again)
    client = MlflowClient(tracking_uri=tracking_uri(layout))
    stored = client.get_run(run.run_id)
    assert stored.data.tags["validation_id"] == artifact.id
    assert stored.data.tags["a"] == "b"
    assert len(client.get_metric_history(run.run_id, "top1")) == 1
    files = {file.path for file in client.list_artifacts(run.run_id, "validation")}
    assert "validation/report.md" in files


def test_the_foremost_figures_have_short_names_too() -> None:
    metrics = {"prototype_full_known_top1": 0.9, "prototype_full_known_top1_raw": 0.5, "items": 3.0}
    assert add_short_names(metrics) == metrics | {"known_top1": 0.9, "known_top1_raw": 0.5}
