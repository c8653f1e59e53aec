"""One run at a time below a data folder: the lock of local runs, the parent flow and pruning.

It is a file lock of the system, so it ends with its process, however that ends. Code that runs
inside the block may take it again: `make run` holds it around the parent flow, which takes it
too, for it may also be started by a worker.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from mmpipeline.errors import BusyError

_held: ContextVar[frozenset[Path]] = ContextVar("held run locks", default=frozenset())


@contextmanager
def only_run(data_root: Path) -> Iterator[None]:
    """Hold the data folder's run lock for the length of a block.

    Parameters
    ----------
    data_root
        The data folder.

    Yields
    ------
    None
        While no other run works below the folder.

    Raises
    ------
    BusyError
        If another run holds it.
    """
    path = data_root.resolve() / "state" / "run.lock"
    if path in _held.get():
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"another run is at work in {data_root}; wait for it to end") from error
        token = _held.set(_held.get() | {path})
        try:
            yield
        finally:
            _held.reset(token)
