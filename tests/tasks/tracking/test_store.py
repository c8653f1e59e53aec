"""The embedded store is there whole, or not at all."""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmpipeline.storage import ArtifactStore, DataLayout
from tasks.tracking.store import connect, make_store

ROOT = Path(__file__).parents[3]
MAKE = """
import sys
from pathlib import Path
from mmpipeline.storage import DataLayout
from tasks.tracking.store import make_store
make_store(DataLayout.at(Path(sys.argv[1])))
"""


def start_making(data_root: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", MAKE, str(data_root)], cwd=ROOT)


def wait_for_migrations(data_root: Path) -> None:
    """Return when some tables of a store have been made, wherever below the data folder."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for store in data_root.rglob("*.db"):
            with sqlite3.connect(store) as tables:
                count = tables.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if count > 0:
                return
        time.sleep(0.005)
    raise AssertionError("no store was begun")


def test_a_store_whose_maker_was_killed_is_made_anew(tmp_path: Path) -> None:
    maker = start_making(tmp_path)
    wait_for_migrations(tmp_path)
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    layout = DataLayout.at(tmp_path)
    assert list(layout.temporary.iterdir()), "killed too late to show anything"

    ArtifactStore(layout).remove_orphans()
    client = connect(layout)

    assert client.search_runs([client.create_experiment("a")]) == []
    assert list(layout.temporary.iterdir()) == []


def test_two_makers_leave_one_store(tmp_path: Path) -> None:
    makers = [start_making(tmp_path) for _ in range(2)]
    assert [maker.wait() for maker in makers] == [0, 0]
    assert [path.name for path in (tmp_path / "state").glob("*.db")] == ["mlflow.db"]
    assert connect(DataLayout.at(tmp_path)).search_experiments()


def test_a_store_that_is_there_is_let_be(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path)
    connect(layout).create_experiment("kept")
    make_store(layout)
    assert connect(layout).get_experiment_by_name("kept") is not None


def test_a_store_elsewhere_needs_none_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMPIPELINE_MLFLOW_URI", "http://127.0.0.1:9")
    connect(DataLayout.at(tmp_path))
    assert list(tmp_path.iterdir()) == []
