"""What somebody works in stays, what nobody holds goes; whoever is asked, the lock knows."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmpipeline.storage.held import hold_folder, hold_name, is_held, remove_abandoned
from mmpipeline.storage.held import remove_abandoned_folder as remove_folder

HOLDER = """
import os, sys, time
from pathlib import Path
from mmpipeline.storage.held import hold_folder
with hold_folder(Path(sys.argv[1]), "held") as folder:
    (folder / "half").touch()
    child = sys.argv[2] == "with a child" and os.fork()
    if not child:
        print(os.getpid(), flush=True)
    time.sleep(600)
"""


def clear_up(place: Path) -> None:
    remove_abandoned(place, lambda _: False)


def start_holder(place: Path, how: str = "alone") -> tuple[subprocess.Popen[str], int]:
    """Start a process that holds a folder; return it and the id of who says so: it or its child."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place), how], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    return holder, int(holder.stdout.readline())


def end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert holder.stdout is not None
    holder.stdout.close()


def test_a_held_folder_goes_when_its_holder_was_killed_and_not_before(tmp_path: Path) -> None:
    holder, _ = start_holder(tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    clear_up(tmp_path)
    assert (folder / "half").exists()
    assert is_held(folder)
    end(holder)
    assert not is_held(folder)
    clear_up(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_holds_nothing_for_a_killed_parent(tmp_path: Path) -> None:
    holder, child = start_holder(tmp_path, "with a child")
    try:
        end(holder)
        clear_up(tmp_path)
        assert list(tmp_path.iterdir()) == []
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_folder_that_was_renamed_stays_and_its_lock_goes(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "tmp", "a") as folder:
        folder.rename(tmp_path / "whole")
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["tmp", "whole"]


def test_a_lone_lock_goes_unless_it_is_held(tmp_path: Path) -> None:
    (tmp_path / "left-1-a.lock").touch()  # its holder was killed before it made the folder
    with hold_name(tmp_path / "kept") as is_ours:
        assert is_ours
        clear_up(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["kept.lock"]
        with hold_name(tmp_path / "kept", 0.02) as is_other:
            assert not is_other
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_held_vanishes_while_others_clear_up(tmp_path: Path) -> None:
    faults: list[str] = []
    is_over = threading.Event()

    def clear() -> None:
        while not is_over.is_set():
            clear_up(tmp_path)

    def work() -> None:
        for _ in range(150):
            with hold_folder(tmp_path, "work") as folder:
                (folder / "half").touch()
                if not (folder / "half").exists():
                    faults.append(folder.name)

    cleaners = [threading.Thread(target=clear) for _ in range(2)]
    for thread in cleaners:
        thread.start()
    with ThreadPoolExecutor(3) as workers:
        workers.map(lambda _: work(), range(3))
    is_over.set()
    for thread in cleaners:
        thread.join()
    clear_up(tmp_path)
    assert faults == []
    assert list(tmp_path.iterdir()) == []


def test_where_no_locks_are_taken_work_goes_on_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with hold_folder(tmp_path, "work") as folder:
        clear_up(tmp_path)
        assert not remove_folder(folder)
        assert is_held(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_goes_while_it_is_looked_at_is_gone(tmp_path: Path) -> None:
    names = [f"work-1-{letter}" for letter in "abc"]
    for name in names:
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / f"{name}.lock").touch()

    def end_all(_: Path) -> bool:
        for path in tmp_path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return False

    remove_abandoned(tmp_path, end_all)
    assert list(tmp_path.iterdir()) == []
    clear_up(tmp_path / "nowhere")
