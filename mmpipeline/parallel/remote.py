"""Tasks on other machines, checked to give what the caller would get.

Where something is computed must change no result. So a worker first compares what it runs with
what the caller runs (this package's source, the libraries that results depend on), and whether it
sees the caller's data folder at the same path; where it does not, the stage fails and says so
instead of finding no photo. Tasks of one process run one after another, since encoders hold
the process's threads.
"""

import platform
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ParamSpec, TypeVar

from mmpipeline.errors import StageError, describe_os_error
from mmpipeline.storage.provenance import digest_sources

P = ParamSpec("P")
T = TypeVar("T")

_LIBRARIES = (
    "beautifulsoup4",
    "lxml",
    "msgspec",
    "numpy",
    "pillow",
    "pyarrow",
    "scikit-learn",
    "torch",
)
_one_at_a_time = threading.RLock()


@dataclass(frozen=True, slots=True)
class Caller:
    """What a worker has to share with the process that hands out tasks.

    Attributes
    ----------
    marker
        A folder that the caller made; whoever sees it sees the data folder.
    code
        Digest of this package's source.
    libraries
        Python and the libraries that results depend on, with their versions.
    """

    marker: Path
    code: str
    libraries: tuple[str, ...]

    @classmethod
    def here(cls, marker: Path) -> "Caller":
        """Return this process as a caller.

        Parameters
        ----------
        marker
            A folder below the data folder.
        """
        return cls(marker, _digest_code(), _list_libraries())


def run_for(caller: Caller, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a task for a process on this or another machine.

    Parameters
    ----------
    caller
        Who asks.
    task
        What is to be done.
    *args, **kwargs
        Its arguments.

    Returns
    -------
    object
        The task's result.

    Raises
    ------
    StageError
        If this process runs other code or libraries, does not see the data folder, or cannot read
        a file.
    """
    with _one_at_a_time:
        if (difference := _difference(caller)) is not None:
            raise StageError(f"the worker on {socket.gethostname()} {difference}")
        try:
            return task(*args, **kwargs)
        except (FileNotFoundError, PermissionError) as error:
            raise StageError(
                f"the worker on {socket.gethostname()}: {describe_os_error(error)}; every worker "
                "must see the data folder and the dump at the same paths"
            ) from error


@lru_cache(maxsize=4)
def _difference(caller: Caller) -> str | None:
    """Say how this process differs from the caller, once a caller; None when it does not."""
    here = Caller.here(caller.marker)
    if here.code != caller.code:
        return "runs another version of mmpipeline; install the same one and start it again"
    others = sorted(set(here.libraries) - set(caller.libraries))
    if others:
        wanted = ", ".join(sorted(set(caller.libraries) - set(here.libraries)))
        return f"has {', '.join(others)} where the caller has {wanted}; install the same ones"
    if not caller.marker.is_dir():
        return f"does not see {caller.marker}; mount the data folder there at the same path"
    return None


@lru_cache(maxsize=1)
def _digest_code() -> str:
    return digest_sources("mmpipeline")


@lru_cache(maxsize=1)
def _list_libraries() -> tuple[str, ...]:
    return (f"python {platform.python_version()}", *map(_name_version, _LIBRARIES))


def _name_version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return f"no {library}"
