"""Failures that libraries of storages raise, turned into one kind of error.

None of them is imported for it: a library that was not loaded has raised nothing.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mmpipeline.errors import SharedStorageError

_ERRORS = {
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "aiohttp": ("ClientError",),
}


@contextmanager
def asked(url: str) -> Iterator[None]:
    """Turn what is raised in a block into `SharedStorageError`.

    Parameters
    ----------
    url
        Of the storage that is asked.

    Yields
    ------
    None
        To ask it.

    Raises
    ------
    SharedStorageError
        With the error's first line.
    """
    try:
        yield
    except _refusals() as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SharedStorageError(f"shared storage {url}: {reason}") from error


def _refusals() -> tuple[type[Exception], ...]:
    """Return what storages raise: the system's errors, and of S3's libraries if they are loaded."""
    found: list[type[Exception]] = [OSError]
    for module, names in _ERRORS.items():
        found += [getattr(sys.modules[module], name) for name in names if module in sys.modules]
    return tuple(found)
