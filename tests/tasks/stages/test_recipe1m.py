"""A dump is taken when it has arrived, and not before."""

import os
import time
from pathlib import Path

from tasks.stages.recipe1m import find_arrival


def put(inbox: Path, name: str, age_s: float) -> Path:
    folder = inbox / name
    folder.mkdir(parents=True)
    for file in ("layer1.json", "layer2.json"):
        (folder / file).write_text("[]")
        os.utime(folder / file, (time.time() - age_s,) * 2)
    return folder


def test_an_empty_or_missing_inbox_holds_nothing(tmp_path: Path) -> None:
    assert find_arrival.fn(tmp_path / "none", 0) is None
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("x")
    assert find_arrival.fn(tmp_path, 0) is None


def test_the_newest_whole_dump_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "old", 5000)
    newer = put(tmp_path, "newer", 1000)
    assert find_arrival.fn(tmp_path, 60) == newer


def test_a_dump_that_is_still_being_copied_waits(tmp_path: Path) -> None:
    put(tmp_path, "old", 5000)
    arriving = put(tmp_path, "arriving", 5)
    assert find_arrival.fn(tmp_path, 60) is None
    assert find_arrival.fn(tmp_path, 1) == arriving


def test_a_clock_that_jumps_holds_no_dump_back(tmp_path: Path) -> None:
    dump = put(tmp_path, "whole", 5000)
    year = 365 * 86_400
    for jump in (year, -year):
        assert find_arrival.fn(tmp_path, 60, lambda jump=jump: time.time() + jump) == dump
    back = time.time() - year
    os.utime(dump / "layer2.json", (back - 5, back - 5))  # still being written, by the new clock
    assert find_arrival.fn(tmp_path, 60, lambda: back) is None
