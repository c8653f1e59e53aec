from pathlib import Path

import pytest

from mmpipeline.storage import DataLayout
from tasks.tracking.run_page import page_of
from tasks.tracking.store import connect, create_run_of


def test_a_run_has_a_page_on_the_server_that_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = DataLayout.at(tmp_path)
    client = connect(layout)
    run = create_run_of(client, layout, {"name": "a", "tags": {}, "time": 1, "key": "k"})
    experiment = client.get_run(run).info.experiment_id
    place = f"/#/experiments/{experiment}/runs/{run}"
    assert page_of(layout, run) == f"http://127.0.0.1:5000{place}"
    monkeypatch.setenv("MMPIPELINE_MLFLOW_PORT", "5077")
    assert page_of(layout, run) == f"http://127.0.0.1:5077{place}"
    assert page_of(layout, "0" * 32) is None
    assert page_of(layout, None) is None
    monkeypatch.setenv("MMPIPELINE_MLFLOW_URI", "http://127.0.0.1:9")
    assert page_of(layout, run) is None
