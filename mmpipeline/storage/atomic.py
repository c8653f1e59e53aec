"""Files that are whole or not there.

Every write goes to a temporary name, is flushed to the disk, and gets its final name by one
rename; then the folder is flushed too, or a power cut could undo the rename. It costs two fsyncs
a file, which nobody notices at a handful of files a run.
"""

import json
import os
import tempfile
from pathlib import Path

from mmpipeline.storage.held import hold_file, may_be_at_work, remove_abandoned_file

_HELD = "held"  # in the name of a temporary file: it is locked while it is being written


def fsync_file(path: Path) -> None:
    """Flush one file's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_folder(path: Path) -> None:
    """Flush a folder's entries (new names, renames) to the disk."""
    fsync_file(path)


def write_bytes_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that readers see the old file or the new one, never a part.

    Parameters
    ----------
    path
        Final name; its folder is made when missing.
    content
        The whole content.

    Raises
    ------
    OSError
        If the disk is full or not writable; the old file is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = _make_held(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)  # before the lock goes, or it would look abandoned
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def _make_held(path: Path) -> tuple[int, Path]:
    """Make a temporary file for a path, held by a lock; return its handle and name."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{_HELD}-")
        if hold_file(Path(name), handle):
            return handle, Path(name)
        os.close(handle)


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed `write_bytes_atomic` left in a folder; what is being written is held.

    Versions before locks named the process instead: of those, what is a day old goes, unless a
    process of that number runs here.
    """
    for path in folder.glob(".*.*-*"):
        maker = path.name.rpartition(".")[2].partition("-")[0]
        if maker == _HELD or (maker.isdigit() and not may_be_at_work(path, maker)):
            remove_abandoned_file(path)


def write_text_atomic(path: Path, content: str) -> None:
    """Put text (UTF-8) at `path` atomically; see `write_bytes_atomic`."""
    write_bytes_atomic(path, content.encode())


def write_json_atomic(path: Path, value: object) -> None:
    """Put `value` as readable JSON at `path` atomically; see `write_bytes_atomic`."""
    write_text_atomic(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
