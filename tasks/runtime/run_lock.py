"""The lock of a data folder: one run at a time of local runs, the parent flow and pruning.

It is a file lock of the system, so it ends with its process, however that ends. Code that runs
inside the block may take it again: `make run` holds it around the parent flow, which takes it
too, for it may also be started by a worker. `make deploy` has a lock of its own, since it may be
called while a run is at work.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from mmpipeline.errors import BusyError

LOOK_EVERY_S = 0.5
_held: ContextVar[frozenset[Path]] = ContextVar("held run locks", default=frozenset())


@contextmanager
def data_root_lock(data_root: Path, wait_s: float = 0) -> Iterator[None]:
    """Hold the data folder's run lock for the length of a block.

    Parameters
    ----------
    data_root
        The data folder.
    wait_s
        How long to wait for another run to end, in seconds.

    Yields
    ------
    None
        While no other run works below the folder.

    Raises
    ------
    BusyError
        If another run holds it still.
    """
    path = data_root.resolve() / "state" / "run.lock"
    if path in _held.get():
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        _take(lock, f"another run is at work in {data_root}", wait_s)
        token = _held.set(_held.get() | {path})
        try:
            yield
        finally:
            _held.reset(token)


@contextmanager
def only_deployment(data_root: Path, wait_s: float = 0) -> Iterator[None]:
    """Hold the data folder's lock of deployments for the length of a block.

    Parameters
    ----------
    data_root
        The data folder. Deployments from two folders to one server do not see each other.
    wait_s
        How long to wait for another deployment to end, in seconds.

    Yields
    ------
    None
        While nobody else deploys from the folder.

    Raises
    ------
    BusyError
        If somebody does still.
    """
    path = data_root.resolve() / "state" / "deploy.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        _take(lock, f"another `make deploy` is at work in {data_root}", wait_s)
        yield


def _take(lock: IO[str], busy: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                waited = f" (waited {wait_s / 60:.0f} min)" if wait_s else ""
                raise BusyError(f"{busy}{waited}; wait for it to end") from error
            time.sleep(LOOK_EVERY_S)
        else:
            return
