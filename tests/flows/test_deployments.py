"""prefect.yaml against a real server and a real worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import yaml

from mmpipeline.config import SampleConfig
from mmpipeline.sample.recipe1m_dump import write_recipe1m_dump
from mmpipeline.storage import DataLayout
from tasks.servers import prefect_server, quiet_environment

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "local"],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        for _ in range(2):  # one SIGTERM alone leaves a process worker running
            process.send_signal(signal.SIGTERM)
            time.sleep(1)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(api: str, path: str, body: dict[str, object], timeout_s: float) -> list[dict]:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = requests.post(f"{api}/{path}", json=body, timeout=10).json()
        if found:
            return list(found)
        time.sleep(1)
    return []


def test_deploy_all_schedule_one_and_run_one_to_completed(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path / "data")
    dump = tmp_path / "dump"
    write_recipe1m_dump(dump, SampleConfig(recipes=40, dishes=4, photo_size_px=32))
    layout.state.mkdir(parents=True)

    def prefect(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with prefect_server(layout.root) as api:
        environment = {**os.environ, **quiet_environment(layout.root), "PREFECT_API_URL": api}
        prefect("work-pool", "create", "local", "--type", "process")
        prefect("deploy", "--all")
        declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
        deployed = requests.post(f"{api}/deployments/filter", json={}, timeout=10).json()
        assert len(deployed) == len(declared)

        weekly = next(d for d in deployed if d["schedules"] and d["name"] == "weekly")
        schedule = weekly["schedules"][0]["id"]
        requests.patch(
            f"{api}/deployments/{weekly['id']}/schedules/{schedule}",
            json={"active": True},
            timeout=10,
        ).raise_for_status()
        scheduled = {
            "flow_runs": {
                "deployment_id": {"any_": [weekly["id"]]},
                "expected_start_time": {"after_": datetime.now(UTC).isoformat()},
            }
        }
        assert wait_for(api, "flow_runs/filter", scheduled, 90), "no scheduled run was created"

        with worker(environment, tmp_path / "worker.log"):
            prefect(
                *("deployment", "run", "normalize_recipe1m/on-demand", "--watch"),
                *("--param", f"dump={dump}", "--param", f"data_root={layout.root}"),
            )
        by_name = {"flows": {"name": {"any_": ["normalize_recipe1m"]}}}
        (run,) = requests.post(f"{api}/flow_runs/filter", json=by_name, timeout=10).json()
        assert run["state_type"] == "COMPLETED", (tmp_path / "worker.log").read_text()[-2000:]
    assert (layout.artifacts("recipe1m") / "CURRENT").is_file()
