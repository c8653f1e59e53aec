"""A run that was killed is closed in Prefect by the next one, with all that it had running."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from mmpipeline.storage import DataLayout
from tasks.runtime.stale_runs import close_stale_run
from tasks.servers.prefect import prefect_server, quiet_environment

ROOT = Path(__file__).parents[3]
FLOW = """
import json, sys, time
from pathlib import Path
from prefect import flow, runtime, task
from prefect.client.orchestration import get_client
from tasks.runtime.stale_runs import locked_flow_run

@task
def work(seconds):
    print("at work", flush=True)
    time.sleep(seconds)

@flow(name="stage")
def stage(seconds):
    work(seconds)

@flow(name="parent")
def parent(root, seconds, is_retried):
    if is_retried:  # the note is this run's own, of when it was killed
        note = {"flow_run_id": str(runtime.flow_run.id)}
        (root / "state" / "run.json").write_text(json.dumps(note))
    with locked_flow_run(root):
        own = get_client(sync_client=True).read_flow_run(runtime.flow_run.id)
        assert own.state.is_running(), own.state
        stage(seconds)

parent(Path(sys.argv[1]), float(sys.argv[2]), "retried" in sys.argv)
"""
CLOSE = """
import sys
from pathlib import Path
from tasks.runtime.stale_runs import close_stale_run
print(close_stale_run(Path(sys.argv[1])))
"""


def ask(api: str, kind: str) -> list[dict[str, Any]]:
    found = requests.post(f"{api}/{kind}/filter", json={"sort": "ID_DESC"}, timeout=10).json()
    return list(found)


def leave_a_draft(layout: DataLayout, process: int) -> Path:
    """Leave what a killed process leaves: a draft, and its lock that nobody holds any more."""
    draft = layout.temporary / f"catalog-1234-{process}-abc"
    draft.mkdir(parents=True)
    draft.with_name(f"{draft.name}.lock").touch()
    return draft


@pytest.mark.flow
def test_the_next_run_closes_what_a_killed_one_left_running(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path / "data")
    layout.state.mkdir(parents=True)
    note = layout.state / "run.json"
    with prefect_server(layout.root) as api:
        environment = {**os.environ, **quiet_environment(layout.root), "PREFECT_API_URL": api}
        environment["PYTHONPATH"] = str(ROOT)
        command = [sys.executable, "-c", FLOW, str(layout.root)]
        killed = subprocess.Popen(
            [*command, "600"], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert killed.stdout is not None
        while "at work" not in killed.stdout.readline():
            assert killed.poll() is None
        killed.kill()
        killed.communicate()
        assert note.is_file()
        assert {run["state_type"] for run in ask(api, "flow_runs")} == {"RUNNING"}
        orphan = leave_a_draft(layout, killed.pid)

        for how in ([], ["retried"]):
            subprocess.run([*command, "0", *how], env=environment, check=True, timeout=120)
            assert not note.exists()
        note.write_text(json.dumps({"flow_run_id": "7d5b6f0e-6d4c-4b0e-9a57-2f1f6f1f0a11"}))
        unknown = subprocess.run(
            [sys.executable, "-c", CLOSE, str(note)],
            env=environment,
            check=True,
            timeout=120,
            capture_output=True,
            text=True,
        )
        flow_runs, task_runs = ask(api, "flow_runs"), ask(api, "task_runs")
    states = sorted((run["name"], run["state"]["name"]) for run in flow_runs)
    assert sorted(state for _, state in states) == ["Completed"] * 4 + ["Crashed"] * 2
    crashed = [run["state"] for run in flow_runs if run["state"]["name"] == "Crashed"]
    assert all("the next run goes on" in state["message"] for state in crashed)
    assert {run["state_type"] for run in task_runs} == {"COMPLETED", "CRASHED"}
    assert unknown.stdout == "0\n"
    assert not note.exists()
    assert not orphan.exists()


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"flow_run_id": 7}', b'{"other": "x"}'])
def test_a_note_that_names_no_run_closes_nothing(tmp_path: Path, content: bytes | None) -> None:
    note = tmp_path / "run.json"
    if content is not None:
        note.write_bytes(content)
    assert close_stale_run(note) == 0


def test_a_note_that_came_with_a_copy_closes_nothing(tmp_path: Path) -> None:
    original, copied = tmp_path / "original" / "state", tmp_path / "copied" / "state"
    content = {"flow_run_id": str(uuid4()), "data_root": str(original.parent)}
    for state in (original, copied):
        state.mkdir(parents=True)
        (state / "run.json").write_text(json.dumps(content))
    assert close_stale_run(copied / "run.json") == 0  # and asks no server: there is none
    assert not (copied / "run.json").exists()
    assert (original / "run.json").exists()
