"""Unfinished folders and files that are held by a lock, so that only what nobody holds is removed.

Whoever works under a temporary name holds a lock of the file system on it. It ends with its holder,
however that ends, and it is seen by every process that shares the folder: in another container,
where process ids mean something else, and on another machine, where the file system takes locks
across machines (NFS does, unless mounted with ``nolock`` or ``local_lock``). A folder's lock is the
file ``NAME.lock`` beside it, for over NFS a folder itself cannot be locked; a file is its own lock.
Where a file system refuses locks, work goes on, and nothing that was left is ever removed.

A lock is taken before its name can be mistaken for an abandoned one: the folder is made after its
lock, and a lock whose file somebody removed meanwhile is taken anew. A forked child lets go at
once, or a killed parent would seem to live on in it.
"""

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path

LOCK_SUFFIX = ".lock"
_LOOK_EVERY_S = 0.005
_UNLOCKED_S = 86_400  # what versions before locks left is old after a day
_handles: set[int] = set()


@contextmanager
def hold_folder(path: Path, what: str) -> Iterator[Path]:
    """Make an empty folder and hold it; on leaving the block it is removed, unless it was renamed.

    Parameters
    ----------
    path
        Folder of unfinished work; made when missing.
    what
        Begins the folder's name, for people to read.

    Yields
    ------
    Path
        The folder.
    """
    folder = path / f"{what}-{os.getpid()}-{uuid.uuid4().hex}"
    with hold_name(folder):
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def hold_name(
    folder: Path, patience_s: float = inf, *, without_locks: bool = True
) -> Iterator[bool]:
    """Hold a folder's name, whether or not the folder exists.

    Parameters
    ----------
    folder
        The folder that the name is of; the folder above is made when missing.
    patience_s
        Seconds to wait for somebody else who holds it.
    without_locks
        What to take it for where the file system takes no locks.

    Yields
    ------
    bool
        Whether it is held; False when somebody else holds it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock_of(folder)
    handle = _take(lock, patience_s, without_locks=without_locks)
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        if handle in _handles:  # else this is a forked child
            lock.unlink(missing_ok=True)
            _handles.discard(handle)
            os.close(handle)


def hold_file(path: Path, handle: int) -> bool:
    """Lock a file that was just made, for as long as its handle is open.

    Parameters
    ----------
    path, handle
        The file, open for reading and writing.

    Returns
    -------
    bool
        False when somebody took it for abandoned before it was locked: make another.
    """
    while not _lock(handle, without_locks=True):
        time.sleep(_LOOK_EVERY_S)
    return _is_same(path, handle)


def is_held(folder: Path) -> bool:
    """Return whether somebody works in a folder now, as far as its lock says."""
    try:
        handle = os.open(_lock_of(folder), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(handle, without_locks=False)
    finally:
        os.close(handle)


def remove_abandoned_folder(folder: Path) -> bool:
    """Remove a folder that nobody holds.

    Parameters
    ----------
    folder
        Made by `hold_folder` in a process that is gone; or by a version that held no locks, which
        goes when it is a day old and its name holds no id of a process that runs here.

    Returns
    -------
    bool
        Whether it was removed.
    """
    maker = "".join(folder.name.split("-")[-2:-1])
    if not _lock_of(folder).exists() and may_be_at_work(folder, maker):
        return False
    try:
        with hold_name(folder, 0, without_locks=False) as is_ours:
            if is_ours:
                shutil.rmtree(folder, ignore_errors=True)
    except PermissionError:  # another user's
        return False
    return is_ours


def remove_abandoned_file(path: Path) -> None:
    """Remove a file, or a lone lock, that nobody holds; see `hold_file`."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR)
        try:
            if _lock(handle, without_locks=False) and _is_same(path, handle):
                path.unlink(missing_ok=True)
        finally:
            os.close(handle)


def remove_abandoned(place: Path, may_stay: Callable[[Path], bool]) -> None:
    """Remove everything in a folder of unfinished work that nobody holds.

    Others may end their work meanwhile: what goes while it is looked at is gone, and no fault.

    Parameters
    ----------
    place
        The folder, which may be missing; files that are no locks are let be.
    may_stay
        Tells of a folder in it whether it is wanted though nobody holds it.
    """
    try:
        found = sorted(place.iterdir())
    except FileNotFoundError:
        return
    for path in found:
        if path.is_dir():
            if may_stay(path):
                remove_abandoned_file(_lock_of(path))
            else:
                remove_abandoned_folder(path)
        elif path.suffix == LOCK_SUFFIX and not path.with_suffix("").exists():
            remove_abandoned_file(path)


def may_be_at_work(path: Path, process: str) -> bool:
    """Tell whether a process of a version that held no locks may be at work on something.

    Parameters
    ----------
    path
        A file, or a folder with all that is in it.
    process
        What its name says of the process; such a version always wrote the number.

    Returns
    -------
    bool
        False when it is a day old, or names no process, and none of that number runs here.
    """
    if not process.isdigit():
        return False
    with suppress(FileNotFoundError):
        newest = max(entry.lstat().st_mtime for entry in (path, *path.rglob("*")))
        return time.time() - newest < _UNLOCKED_S or _is_running(int(process))
    return True  # somebody is removing it


def _is_running(process: int) -> bool:
    """Tell whether a process of this number is seen from here."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK_SUFFIX)


def _take(lock: Path, patience_s: float, *, without_locks: bool) -> int | None:
    """Make a lock's file and lock it; None when somebody else has it for too long."""
    deadline = time.monotonic() + patience_s
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        is_ours = _lock(handle, without_locks=without_locks)
        if is_ours and _is_same(lock, handle):
            _handles.add(handle)
            return handle
        os.close(handle)
        if is_ours:
            continue  # it was removed by whoever held it
        if time.monotonic() >= deadline:
            return None
        time.sleep(_LOOK_EVERY_S)


def _lock(handle: int, *, without_locks: bool) -> bool:
    """Lock a file; return False when somebody else holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return without_locks
    return True


def _is_same(path: Path, handle: int) -> bool:
    """Tell whether a path still names the file that a handle is of."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(handle)
    return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)


def _forget_in_child() -> None:
    while _handles:
        os.close(_handles.pop())


os.register_at_fork(after_in_child=_forget_in_child)
