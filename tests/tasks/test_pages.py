"""`make ui` says what keeps it from starting."""

import socket
from pathlib import Path

import pytest

from mmpipeline.config import EnvironmentSettings
from mmpipeline.errors import BusyError
from mmpipeline.storage import DataLayout
from tasks.pages import JOBS_VARIABLE, open_pages, page_environment


def test_a_taken_port_is_named_with_its_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = EnvironmentSettings(data_root=tmp_path, mlflow_port=port, prefect_port=port)
        with pytest.raises(BusyError, match=rf"port {port} is in use.*MMPIPELINE_PREFECT_PORT"):
            open_pages(settings)


@pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours
def test_mlflow_runs_no_jobs_unless_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, settings = DataLayout.at(tmp_path), EnvironmentSettings(data_root=tmp_path)
    assert page_environment(layout, settings)[JOBS_VARIABLE] == "false"
    monkeypatch.setenv(JOBS_VARIABLE, "true")
    assert page_environment(layout, settings)[JOBS_VARIABLE] == "true"


@pytest.mark.filterwarnings("ignore")
def test_the_servers_know_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = DataLayout.at(tmp_path)
    settings = EnvironmentSettings(data_root=tmp_path, mlflow_port=5123)
    environment = page_environment(layout, settings)
    assert environment["MLFLOW_SERVER_ALLOWED_HOSTS"] == "127.0.0.1:5123,[::1]:5123,localhost:5123"
    assert environment["MMPIPELINE_MLFLOW_PORT"] == "5123"  # as MLflow's guard reads it
    assert "*" not in environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"]
    assert environment["PREFECT_UI_API_URL"] == "/api"
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "mine.example")
    assert page_environment(layout, settings)["MLFLOW_SERVER_ALLOWED_HOSTS"] == "mine.example"
