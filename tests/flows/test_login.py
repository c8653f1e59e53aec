"""A Prefect server with a login: `make deploy`, the worker and its runs all log in."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.flows.conftest import ROOT
from tests.flows.live_server import PATIENCE_S, worker
from tests.tasks.live_pages import running_pages

LOGIN = ("me", "word")


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_deployments_and_a_worker_log_in(tmp_path: Path) -> None:
    data_root, login = tmp_path / "data", ":".join(LOGIN)
    environment = {**os.environ, "MMPIPELINE_DATA_ROOT": str(data_root)}
    deploy = [sys.executable, "-m", "tasks.deployments"]
    with running_pages(data_root, PREFECT_SERVER_API_AUTH_STRING=login) as pages:
        refused = subprocess.run(
            deploy, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert refused.returncode == 1
        assert "asks for a login; set PREFECT_API_AUTH_STRING" in refused.stderr
        environment |= {"PREFECT_API_AUTH_STRING": login}
        done = subprocess.run(
            deploy, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        api = f"{pages.prefect}/api"

        def ask(path: str, **body: object) -> list[dict] | dict:
            place = f"{api}/{path}"
            return requests.post(place, json=body, auth=LOGIN, timeout=PATIENCE_S).json()

        with worker({**environment, "PREFECT_API_URL": api}, tmp_path / "worker.log"):
            (deployment,) = ask("deployments/filter", deployments={"name": {"any_": ["monthly"]}})
            run = ask(f"deployments/{deployment['id']}/create_flow_run")
            deadline = time.monotonic() + 300
            while run["state_type"] not in {"COMPLETED", "FAILED", "CRASHED"}:
                assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
                time.sleep(1)
                (run,) = ask("flow_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
        assert run["state_type"] == "COMPLETED", (tmp_path / "worker.log").read_text()
