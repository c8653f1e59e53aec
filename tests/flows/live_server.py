"""What tests ask of a Prefect server and a worker that really run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tests.flows.conftest import ROOT

PATIENCE_S = 60  # a busy machine is not a hang
EVERY_S = 0.3  # is looked whether something has come


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
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
        yield process
    finally:
        for _ in range(2):  # one SIGTERM alone leaves a process worker running
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(api: str, path: str, body: dict[str, object], timeout_s: float) -> list[dict]:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = requests.post(f"{api}/{path}", json=body, timeout=PATIENCE_S).json()
        if found:
            return list(found)
        time.sleep(EVERY_S)
    return []


def wait_until(holds: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until something holds; return whether it does."""
    deadline = time.monotonic() + timeout_s
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(EVERY_S)
    return held


def runs_of(api: str, deployment: str) -> list[dict]:
    body = {"deployments": {"name": {"any_": [deployment]}}}
    return list(requests.post(f"{api}/flow_runs/filter", json=body, timeout=PATIENCE_S).json())


def wait_until_completed(
    api: str, deployment: str, timeout_s: float, number: int = 1
) -> list[dict]:
    """Wait until some runs of a deployment are over; return all of its runs."""
    deadline = time.monotonic() + timeout_s
    over = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    while time.monotonic() < deadline:
        runs = runs_of(api, deployment)
        if sum(run["state_type"] in over for run in runs) >= number:
            return runs
        time.sleep(EVERY_S)
    return runs_of(api, deployment)


def deployments_of(api: str) -> list[dict]:
    return list(requests.post(f"{api}/deployments/filter", json={}, timeout=PATIENCE_S).json())


def run(environment: dict[str, str], *command: str, timeout_s: float = 240) -> str:
    """Run a module of this environment's Python; return what it printed."""
    return run_python(environment, "-m", *command, timeout_s=timeout_s)


def run_python(environment: dict[str, str], *arguments: str, timeout_s: float = 240) -> str:
    """Run this environment's Python; return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
