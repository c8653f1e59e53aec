"""One run at a time below a folder; inside it, the lock may be taken again."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmpipeline.errors import BusyError
from tasks.runtime.run_lock import data_root_lock, only_deployment

HOLD = """
import sys
from pathlib import Path
from tasks.runtime.run_lock import data_root_lock
with data_root_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def take(folder: Path) -> str:
    with data_root_lock(folder):
        return "taken"


def test_another_process_is_refused_until_it_is_gone(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(BusyError, match="another run is at work"):
        take(tmp_path)
    other.kill()
    other.communicate()
    assert take(tmp_path) == "taken"


def test_another_run_of_this_process_is_refused(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, data_root_lock(tmp_path):
        with pytest.raises(BusyError):
            pool.submit(take, tmp_path).result()
        assert take(tmp_path) == "taken"
        with pytest.raises(BusyError):  # taking it again inside has not given it up
            pool.submit(take, tmp_path).result()
    assert take(tmp_path) == "taken"


def test_folders_do_not_mind_each_other(tmp_path: Path) -> None:
    with data_root_lock(tmp_path / "a"), data_root_lock(tmp_path / "b"):
        pass


def test_waiting_ends_when_the_other_run_ends(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with data_root_lock(tmp_path):
            waiting = pool.submit(take_patiently, tmp_path)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
        assert waiting.result(timeout=30) == "taken"


def take_patiently(folder: Path) -> str:
    with data_root_lock(folder, wait_s=30):
        return "taken"


def test_one_deployment_at_a_time_beside_a_run(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with data_root_lock(tmp_path), only_deployment(tmp_path):
            waiting = pool.submit(deploy_patiently, tmp_path)
            with pytest.raises(BusyError, match="make deploy"), only_deployment(tmp_path, wait_s=0):
                pass
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
        assert waiting.result(timeout=30) == "deployed"


def deploy_patiently(folder: Path) -> str:
    with only_deployment(folder, wait_s=30):
        return "deployed"
