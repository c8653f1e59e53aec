"""Twenty scheduled runs in a row: none missed, none at once, no locked database, steady memory."""

import os
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from mmpipeline.config import SampleConfig
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.storage import DataLayout
from tasks.servers.prefect import prefect_server, quiet_environment
from tests.flows.live_server import PATIENCE_S, deployments_of, run, runs_of, worker

pytestmark = pytest.mark.flow

RUNS = 20
DEPLOYMENT = "weekly-training"
LARGEST_GROWTH = 1.15
"""Of memory, from the middle of the runs to their end."""


def schedule(api: str, dump: Path, interval_s: float) -> str:
    """Give a deployment a schedule that begins an interval from now; return the schedule's path."""
    (deployment,) = (d for d in deployments_of(api) if d["name"] == DEPLOYMENT)
    first = datetime.now(UTC) + timedelta(seconds=interval_s)
    interval = {"interval": interval_s, "anchor_date": first.isoformat()}
    request = {"dump": str(dump), "scrape": False, "newest": True}
    made = requests.post(
        f"{api}/deployments/{deployment['id']}/schedules",
        json=[{"schedule": interval, "active": True, "parameters": {"request": request}}],
        timeout=PATIENCE_S,
    )
    made.raise_for_status()
    return f"{api}/deployments/{deployment['id']}/schedules/{made.json()[0]['id']}"


def over(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the scheduled runs that are over, in the order they were due."""
    waiting = {"SCHEDULED", "PENDING", "RUNNING"}
    return sorted(
        (one for one in runs if one["auto_scheduled"] and one["state_type"] not in waiting),
        key=lambda one: str(one["expected_start_time"]),
    )


def moment(one: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(one[name])


def memory_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def watch_runs(
    api: str, processes: list[psutil.Process], timeout_s: float, notes: Path
) -> tuple[list[dict[str, Any]], list[list[float]]]:
    """Wait until so many runs are over; return them, and the processes' memory after each.

    Each is also a line of `notes`, for whoever wonders how far it is.
    """
    memory: list[list[float]] = []
    deadline = time.monotonic() + timeout_s
    done: list[dict[str, Any]] = []
    while len(done) < RUNS and time.monotonic() < deadline:
        time.sleep(1)
        done = over(runs_of(api, DEPLOYMENT))
        while len(memory) < len(done):
            memory.append([memory_mb(process) for process in processes])
            with notes.open("a") as file:
                file.write(f"{len(memory)} {done[-1]['state_type']} {memory[-1]}\n")
    return done, memory


def check_runs(done: list[dict[str, Any]], interval_s: float) -> None:
    """Hold that every moment of the schedule had its run, and that no two overlapped."""
    assert len(done) >= RUNS
    assert [one["state_name"] for one in done] == ["Completed"] * len(done)
    due = [moment(one, "expected_start_time") for one in done]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(due)]
    assert gaps == pytest.approx([interval_s] * len(gaps), abs=1)
    for earlier, later in pairwise(done):
        assert moment(later, "start_time") >= moment(earlier, "end_time")


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_twenty_scheduled_runs_in_a_row(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path / "data")
    layout.state.mkdir(parents=True)
    dump, log = tmp_path / "dump", tmp_path / "worker.log"
    write_recipe1m_dump(dump, SampleConfig(recipes=160, dishes=8, photo_size_px=32))
    with prefect_server(layout.root) as api:
        environment = {
            **os.environ,
            **quiet_environment(layout.root),
            "PREFECT_API_URL": api,
            "MMPIPELINE_DATA_ROOT": str(layout.root),
        }
        run(environment, "tasks.deployments")
        (server,) = (
            p for p in psutil.Process().children() if "tasks.servers.prefect" in p.cmdline()
        )
        with worker(environment, log) as process:
            interval_s = measure_interval(environment, dump)
            place = schedule(api, dump, interval_s)
            watched = [server, psutil.Process(process.pid)]
            done, memory = watch_runs(api, watched, (RUNS + 5) * interval_s, tmp_path / "notes")
            requests.delete(place, timeout=PATIENCE_S).raise_for_status()
    check_runs(done, interval_s)
    said = log.read_text() + (layout.state / "logs" / "prefect-server.log").read_text()
    assert "database is locked" not in said
    for middle, end in zip(memory[RUNS // 2], memory[-1], strict=True):
        assert end <= middle * LARGEST_GROWTH, memory


def measure_interval(environment: dict[str, str], dump: Path) -> float:
    """Run the flow by hand, cold and with nothing new; return 1.5 times the latter's seconds."""
    request = f'request={{"dump": "{dump}", "scrape": false, "newest": true}}'
    started = 0.0
    for _ in range(2):
        started = time.monotonic()
        command = ("prefect", "deployment", "run", f"refresh_catalog/{DEPLOYMENT}", "--watch")
        run(environment, *command, "--param", request, timeout_s=1500)
    return round(max(20.0, 1.5 * (time.monotonic() - started)))
