"""prefect.yaml against a real server and a real worker."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import requests
import yaml
from mlflow import MlflowClient

from mmpipeline.config import SampleConfig
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.search.current import current_version
from mmpipeline.search.release.record import alias_difference
from mmpipeline.storage import DataLayout, open_artifact
from tasks.servers.prefect import prefect_server, quiet_environment
from tests.flows.conftest import ROOT
from tests.flows.live_server import (
    PATIENCE_S,
    deployments_of,
    run,
    run_python,
    runs_of,
    wait_for,
    wait_until_completed,
    worker,
)
from tests.search.conftest import make_world, publish_version

pytestmark = pytest.mark.flow


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
    said = run(environment, "tasks.deployments")
    assert "make worker" in said
    assert f"export PREFECT_API_URL={api}" in said
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    names = {f"{one['entrypoint'].partition(':')[2]}/{one['name']}" for one in declared}
    assert all(name in said for name in names), said  # whole, to be copied
    deployed = deployments_of(api)
    assert len(deployed) == len(declared)
    assert {d["id"] for d in deployed} == {d["id"] for d in first}
    assert all(d["description"] for d in deployed)
    automations = requests.post(f"{api}/automations/filter", json={}, timeout=10).json()
    assert len(automations) == 2


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
def test_the_alias_follows_a_rollback_and_a_promotion_by_command(
    served: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root, environment = served
    api = environment["PREFECT_API_URL"]
    layout = DataLayout.at(root)
    world = make_world(tmp_path / "world")
    first = current_version(DataLayout.at(world / "data"))
    assert first is not None
    second = publish_version(world, "second")
    shutil.copytree(world / "data" / "index", root / "index", dirs_exist_ok=True)
    registry = MlflowClient(environment["MLFLOW_TRACKING_URI"])
    command = ("-c", "from mmpipeline.cli import main; main()", "index")
    with worker(environment, tmp_path / "worker.log"):
        for turn, (action, version) in enumerate((("rollback", first), ("promote", second)), 1):
            told = run_python(environment, *command, action, version)
            assert "No Prefect server" not in told
            assert current_version(layout) == version
            runs = wait_until_completed(api, "after-release", 240, turn)
            log = (tmp_path / "worker.log").read_text()[-4000:]
            assert [one["state_type"] for one in runs] == ["COMPLETED"] * turn, log
            named = registry.get_model_version_by_alias("recipe-search", "champion")
            assert named.tags["index_version"] == version
            assert alias_difference(layout) is None


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
    assert (layout.artifacts("recipe1m") / "LATEST").is_file(), log
    assert [one["state_type"] for one in refresh] == ["COMPLETED"], log
    assert layout.current_index.is_file()


def kill_run(worker_pid: int, flow_run_id: str) -> None:
    """Kill the process of a flow run that a worker started."""
    for process in psutil.Process(worker_pid).children(recursive=True):
        with suppress(psutil.Error):
            if process.environ().get("PREFECT__FLOW_RUN_ID") == flow_run_id:
                process.kill()


@pytest.mark.timeout(1200)
@pytest.mark.soak  # waits for minutes until the worker has seen twice that the run is gone
def test_a_killed_run_that_is_retried_in_the_ui_goes_on(
    served: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root, environment = served
    api, layout = environment["PREFECT_API_URL"], DataLayout.at(root)
    dump = tmp_path / "dump"
    write_recipe1m_dump(dump, SampleConfig(recipes=120, dishes=8, photo_size_px=32, seed=7))
    known = {run["id"] for run in runs_of(api, "after-new-data")}
    made_before = set(layout.artifacts("features").glob("*/"))
    with worker(environment, tmp_path / "worker.log") as process:
        run(
            *(environment, "prefect", "deployment", "run", "normalize_recipe1m/on-demand"),
            *("--watch", "--param", f"dump={dump}"),
        )
        deadline = time.monotonic() + 400
        while not (made := set(layout.artifacts("features").glob("*/")) - made_before):
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()[-4000:]
            time.sleep(0.05)
        (killed,) = (one for one in runs_of(api, "after-new-data") if one["id"] not in known)
        kill_run(process.pid, killed["id"])
        assert wait_for_state(api, killed["id"], {"CRASHED", "COMPLETED"}) == "CRASHED"
        # The worker says so once more, later, and would undo a retry that was quicker.
        wait_for_line(tmp_path / "worker.log", "worker - Check whether the flow run exceeded")
        (features,) = made
        made_at = (features / "manifest.json").stat().st_mtime_ns
        # What the button Retry sends.
        retry = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        answer = requests.post(
            f"{api}/flow_runs/{killed['id']}/set_state", json={"state": retry}, timeout=PATIENCE_S
        )
        assert answer.json()["status"] == "ACCEPT", answer.text
        state = wait_for_state(api, killed["id"], {"COMPLETED", "FAILED", "CRASHED"})
    assert state == "COMPLETED", (tmp_path / "worker.log").read_text()[-4000:]
    assert (features / "manifest.json").stat().st_mtime_ns == made_at
    indexes = [open_artifact(path, "index") for path in layout.artifacts("index").glob("*/")]
    assert features.name in {index.manifest.inputs.get("features") for index in indexes}
    assert not (layout.state / "run.json").exists()


def wait_for_line(log: Path, words: str, timeout_s: float = 240) -> None:
    deadline = time.monotonic() + timeout_s
    while words not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.5)


def wait_for_state(api: str, flow_run_id: str, states: set[str], timeout_s: float = 240) -> str:
    """Wait until a run is in one of some states; return the state that it is in."""
    deadline = time.monotonic() + timeout_s
    state = ""
    while state not in states and time.monotonic() < deadline:
        time.sleep(1)
        state = requests.get(f"{api}/flow_runs/{flow_run_id}", timeout=PATIENCE_S).json()[
            "state_type"
        ]
    return state
