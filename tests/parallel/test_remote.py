"""A worker that would give other results, or does not see the files, says so."""

import dataclasses
import os
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from mmpipeline.errors import StageError
from mmpipeline.parallel.remote import Caller, run_for


def test_a_task_is_done_with_its_arguments(tmp_path: Path) -> None:
    assert run_for(Caller.here(tmp_path), int, "ff", base=16) == 255


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": "other"}, "another version of mmpipeline"),
        ({"libraries": ("numpy 1.0",)}, r"where the caller has numpy 1\.0"),
        ({"marker": Path("/nowhere/else")}, "does not see /nowhere/else"),
    ],
)
def test_a_difference_is_named_before_anything_is_done(
    change: dict[str, object], words: str, tmp_path: Path
) -> None:
    caller = dataclasses.replace(Caller.here(tmp_path), **change)
    with pytest.raises(StageError, match=words):
        run_for(caller, os.mkdir, tmp_path / "done")
    assert not (tmp_path / "done").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"none: No such file.*every worker must see"):
        run_for(Caller.here(tmp_path), Path.read_bytes, tmp_path / "none")


def test_tasks_of_one_process_run_one_after_another(tmp_path: Path) -> None:
    caller, spans = Caller.here(tmp_path), []

    def work() -> None:
        started = time.monotonic()
        time.sleep(0.02)
        spans.append((started, time.monotonic()))

    threads = [threading.Thread(target=run_for, args=(caller, work)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
