"""A data folder that may only be read: a run stops with one line, and questions are answered.

For root, permission bits say nothing, so the folder is mounted read-only in a mount namespace.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.conftest import ROOT, environment
from tests.flows.test_kills import orphans, payloads

pytestmark = pytest.mark.flow

NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def run_on_read_only(data_root: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of Python for which the data folder is mounted read-only."""
    return subprocess.run(
        [*NAMESPACE, "sh", "-c", MOUNT, str(data_root), sys.executable, *command],
        env=environment(data_root),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=800,  # a busy machine is not a hang
        check=False,
    )


@pytest.fixture(autouse=True)
def namespaces_work(tmp_path: Path) -> None:
    done = run_on_read_only(tmp_path, "-c", f"open('{tmp_path}/a', 'w')")
    if "Read-only file system" not in done.stderr:
        pytest.skip(f"this system mounts nothing for its users: {done.stderr.strip()}")


def test_a_run_says_so_in_one_line_and_changes_nothing(finished: Path, small_config: Path) -> None:
    before = payloads(finished)
    for flow in ("refresh_catalog", "build_pairs", "prune_artifacts"):
        done = run_on_read_only(finished, "-m", "flows", flow, "--config", str(small_config))
        assert done.returncode == 1, done.stdout
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith(f"error: {finished}")
        assert "Read-only file system" in line
        assert "run again" in line
    assert payloads(finished) == before
    assert orphans(finished) == []


def test_questions_are_answered_and_the_plan_is_told(finished: Path, small_config: Path) -> None:
    ask = "from mmpipeline.cli import main; main()"
    answer = run_on_read_only(finished, "-c", ask, "search", "--title", "김치찌개", "-k", "1")
    assert answer.returncode == 0, answer.stderr
    assert "items" in answer.stdout
    plan = run_on_read_only(finished, "-m", "flows", "--plan", "--config", str(small_config))
    assert plan.returncode == 0, plan.stderr
    assert "No stage would run" in plan.stdout


def test_the_doctor_names_it(finished: Path) -> None:
    command = ("-c", "from mmpipeline.cli import main; main()", "doctor")
    done = run_on_read_only(finished, *command)
    assert done.returncode == 1
    said = " ".join(done.stdout.split())  # wrapped to the screen, wherever the folder's name ends
    assert "Read-only file system" in said
    assert "right to write" in said
