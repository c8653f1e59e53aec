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


def runs_of(api: str, deployment: str) -> list[dict]:
    body = {"deployments": {"name": {"any_": [deployment]}}}
    return list(requests.post(f"{api}/flow_runs/filter", json=body, timeout=10).json())


def wait_until_completed(api: str, deployment: str, timeout_s: float) -> list[dict]:
    """Wait until a run of a deployment is over; return all of its runs."""
    deadline = time.monotonic() + timeout_s
    over = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    while time.monotonic() < deadline:
        runs = runs_of(api, deployment)
        if any(run["state_type"] in over for run in runs):
            return runs
        time.sleep(1)
    return runs_of(api, deployment)


def deployments_of(api: str) -> list[dict]:
    return list(requests.post(f"{api}/deployments/filter", json={}, timeout=10).json())


def run(environment: dict[str, str], *command: str) -> str:
    """Run a module of this environment's Python; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A data folder, and the environment of commands for the server that runs on it."""
    layout = DataLayout.at(tmp_path_factory.mktemp("served") / "data")
    layout.state.mkdir(parents=True)
    with prefect_server(layout.root) as api:
        environment = {
            **os.environ,
            **quiet_environment(layout.root),
            "PREFECT_API_URL": api,
            "MMPIPELINE_DATA_ROOT": str(layout.root),
        }
        run(environment, "tasks.deployments")
        yield layout.root, environment


def test_deploying_twice_changes_nothing(served: tuple[Path, dict[str, str]]) -> None:
    _, environment = served
    api = environment["PREFECT_API_URL"]
    first = deployments_of(api)
    assert "make worker" in run(environment, "tasks.deployments")
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    deployed = deployments_of(api)
    assert len(deployed) == len(declared)
    assert {d["id"] for d in deployed} == {d["id"] for d in first}
    assert all(d["description"] for d in deployed)
    automations = requests.post(f"{api}/automations/filter", json={}, timeout=10).json()
    assert len(automations) == 1


def test_a_schedule_that_is_switched_on_makes_runs(served: tuple[Path, dict[str, str]]) -> None:
    _, environment = served
    api = environment["PREFECT_API_URL"]
    weekly = next(d for d in deployments_of(api) if d["name"] == "weekly")
    (schedule,) = weekly["schedules"]
    assert schedule["schedule"]["timezone"] == "Asia/Seoul"
    requests.patch(
        f"{api}/deployments/{weekly['id']}/schedules/{schedule['id']}",
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


@pytest.mark.timeout(600)
def test_new_recipes_refresh_the_index(served: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    root, environment = served
    layout = DataLayout.at(root)
    dump = tmp_path / "dump"
    write_recipe1m_dump(dump, SampleConfig(recipes=160, dishes=8, photo_size_px=32))
    with worker(environment, tmp_path / "worker.log"):
        # Not normalize_arrivals: its schedule may have started one at the same moment.
        run(
            *(environment, "prefect", "deployment", "run", "normalize_recipe1m/on-demand"),
            *("--watch", "--param", f"dump={dump}"),
        )
        api = environment["PREFECT_API_URL"]
        refresh = wait_until_completed(api, "after-new-data", 300)
    log = (tmp_path / "worker.log").read_text()[-4000:]
    assert (layout.artifacts("recipe1m") / "CURRENT").is_file(), log
    assert [one["state_type"] for one in refresh] == ["COMPLETED"], log
    assert layout.current_index.is_file()
