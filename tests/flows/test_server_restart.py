"""The Prefect server is killed in the middle of a run and started again on the same port."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmpipeline.storage import DataLayout
from tasks.servers.prefect import quiet_environment, wait_until_ready
from tests.flows.conftest import ROOT, Start, environment
from tests.flows.test_kills import orphans, payloads, unfinished_flow_runs

pytestmark = pytest.mark.flow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(data_root: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Prefect server on a port, with its database below the data folder."""
    log = DataLayout.at(data_root).state / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tasks.servers.prefect", str(port)],
            env={**environment(data_root), **quiet_environment(data_root)},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/api/health", process, log)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.timeout(900)
def test_a_run_outlives_a_server_that_is_killed_and_comes_back(
    finished: Path,
    start_flows: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data_root, port = tmp_path / "data", free_port()
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    with server(data_root, port) as first:
        process = start_flows(data_root, subprocess.PIPE)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("catalog "):
                break
        first.kill()
        first.wait()
    time.sleep(2)
    with server(data_root, port):
        stdout, stderr = process.communicate(timeout=600)
        assert process.returncode == 0, stdout + stderr
        assert unfinished_flow_runs(data_root) == 0
    assert orphans(data_root) == []
    assert payloads(data_root) == payloads(finished)
