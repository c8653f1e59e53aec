"""Files that are whole or not there.

Every write goes to a temporary name, is flushed to the disk, and gets its final name by one
rename; then the folder is flushed too, or a power cut could undo the rename. It costs two fsyncs
a file, which nobody notices at a handful of files a run.
"""

import json
import os
import tempfile
from pathlib import Path


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
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{os.getpid()}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed `write_bytes_atomic` left in a folder; living writers are let be."""
    for path in folder.glob(".*.*-*"):
        process = path.name.rpartition(".")[2].partition("-")[0]
        if process.isdigit() and not is_running(int(process)):
            path.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Return whether there is a process of this number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_text_atomic(path: Path, content: str) -> None:
    """Put text (UTF-8) at `path` atomically; see `write_bytes_atomic`."""
    write_bytes_atomic(path, content.encode())


def write_json_atomic(path: Path, value: object) -> None:
    """Put `value` as readable JSON at `path` atomically; see `write_bytes_atomic`."""
    write_text_atomic(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
