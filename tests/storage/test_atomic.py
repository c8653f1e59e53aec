"""A file is the old one or the new one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmpipeline.storage.atomic import (
    remove_unfinished,
    write_bytes_atomic,
    write_json_atomic,
    write_text_atomic,
)

KILLED = """
import os, sys
from pathlib import Path
from mmpipeline.storage.atomic import write_text_atomic
Path.replace = lambda *_: os._exit(9)
write_text_atomic(Path(sys.argv[1]), "new")
"""


def test_it_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_text_atomic(path, "가")
    write_text_atomic(path, "나")
    assert path.read_text(encoding="utf-8") == "나"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_a_failing_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    write_text_atomic(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_bytes_atomic(path, b"new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_json_is_readable_and_sorted(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "a.json", {"b": 1, "a": "찌개"})
    assert (tmp_path / "a.json").read_text() == '{\n  "a": "찌개",\n  "b": 1\n}\n'


def test_what_a_killed_writer_left_is_removed_and_a_living_one_is_let_be(tmp_path: Path) -> None:
    path = tmp_path / "CURRENT"
    write_text_atomic(path, "old")
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    living = tmp_path / f".CURRENT.{os.getpid()}-abc"
    living.touch()
    assert len(list(tmp_path.iterdir())) == 3
    remove_unfinished(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"CURRENT", living.name}
    assert path.read_text() == "old"
