"""The parent flow is killed at random moments: the next run completes it, to the same bytes.

Three kills here, thirty under `make soak`. While they happen, a reader opens the published index
again and again: it must never meet a moment without one.
"""

import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmpipeline.search.index import SearchIndex
from mmpipeline.storage import DataLayout, open_artifact

pytestmark = pytest.mark.flow

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]

MOMENTS = (
    "Everything lands in",
    "sample_world ",
    "scrape ",
    "tenthousand_recipe ",
    "catalog ",
    "features ",
    "pairs ",
    "model ",
    "evaluation ",
)
"""How the line of a stage begins; a kill falls into what comes after one of them."""


def payloads(data_root: Path) -> dict[tuple[str, str, str], str]:
    """Return the sha256 of every file of every artifact, by kind, id and name."""
    layout = DataLayout.at(data_root)
    found = {}
    for kind in layout.kinds():
        for folder in layout.artifacts(kind).glob("*/"):
            artifact = open_artifact(folder, kind)
            artifact.verify()
            for name, entry in artifact.manifest.files.items():
                found[kind, artifact.id, name] = entry["sha256"]
    return found


def orphans(data_root: Path) -> list[Path]:
    """Return unfinished files and folders: hidden ones, and whatever lies in the temporary area."""
    layout = DataLayout.at(data_root)
    left = list(layout.temporary.iterdir()) if layout.temporary.is_dir() else []
    kinds = [layout.artifacts(kind) for kind in layout.kinds()]
    for place in (*kinds, layout.current_index.parent, layout.state):
        left += place.glob(".*")
    return left


def unfinished_flow_runs(data_root: Path) -> int:
    with sqlite3.connect(data_root / "state" / "prefect" / "prefect.db") as store:
        row = store.execute("SELECT count(*) FROM flow_run WHERE state_type = 'RUNNING'").fetchone()
    return int(row[0])


def kill_at(process: "subprocess.Popen[str]", moment: str, delay_s: float) -> bool:
    """Kill a run some time after a line; return whether it was still running."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(moment):
            break
    time.sleep(delay_s)
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return was_running


@contextmanager
def reading(data_root: Path) -> Iterator[list[str]]:
    """Open the published index over and over; yield what went wrong."""
    problems: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                SearchIndex.open(DataLayout.at(data_root))
            except Exception as error:  # noqa: BLE001  whatever it is, it is a gap
                problems.append(repr(error))
            time.sleep(0.2)

    thread = threading.Thread(target=read)
    thread.start()
    yield problems
    stop.set()
    thread.join()


def check_kills(
    start_flows: Start, run_flows: Run, data_root: Path, kills: list[tuple[str, float]]
) -> int:
    """Kill a run at each moment in turn, then let it complete; return how many kills fell in."""
    fell_in = 0
    for moment, delay_s in kills:
        fell_in += kill_at(start_flows(data_root, subprocess.PIPE), moment, delay_s)
        layout = DataLayout.at(data_root)
        for kind in layout.kinds():
            for folder in layout.artifacts(kind).glob("*/"):
                open_artifact(folder, kind).verify()
    done = run_flows(data_root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert orphans(data_root) == []
    assert unfinished_flow_runs(data_root) == 0
    return fell_in


@pytest.mark.timeout(900)
def test_a_run_killed_three_times_is_completed_to_the_same_bytes(
    finished: Path, start_flows: Start, run_flows: Run, tmp_path: Path
) -> None:
    kills = [("sample_world ", 1.0), ("catalog ", 0.3), ("pairs ", 2.0)]
    assert check_kills(start_flows, run_flows, tmp_path / "data", kills) == len(kills)
    assert payloads(tmp_path / "data") == payloads(finished)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_thirty_kills_at_random_moments(
    finished: Path, start_flows: Start, run_flows: Run, tmp_path: Path
) -> None:
    drawn = random.Random(2026)
    expected = payloads(finished)
    fell_in = 0
    for number in range(10):
        moments = sorted(drawn.sample(range(len(MOMENTS)), 3))
        kills = [(MOMENTS[m], drawn.random() * 3) for m in moments]
        data_root = tmp_path / f"data-{number}"
        fell_in += check_kills(start_flows, run_flows, data_root, kills)
        assert payloads(data_root) == expected, kills
        shutil.rmtree(data_root)
    assert fell_in >= 25


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_readers_of_the_index_never_see_a_gap(
    finished: Path, start_flows: Start, run_flows: Run, tmp_path: Path
) -> None:
    data_root = tmp_path / "data"
    shutil.copytree(finished, data_root)
    drawn = random.Random(7)
    with reading(data_root) as problems:
        for _ in range(6):
            wishes = ("--force", "publish_index", "--force", "build_pairs")
            process = start_flows(data_root, subprocess.PIPE, *wishes)
            kill_at(process, "tenthousand_recipe ", drawn.random() * 4)
        done = run_flows(data_root)
        assert done.returncode == 0, done.stderr
    assert problems == []
    assert payloads(data_root) == payloads(finished)
