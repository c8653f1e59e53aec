"""What all tests share: no test sees the user's own Prefect, MLflow or data folder."""

import os
from pathlib import Path

import pytest

for name in list(os.environ):
    if name.startswith(("PREFECT_", "MLFLOW_", "MMPIPELINE_")):
        del os.environ[name]
os.environ["DO_NOT_TRACK"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(tmp_path / "data"))
