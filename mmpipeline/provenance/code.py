"""Digests of the code that stages reach, counted once a process.

Reading what all stages reach takes some tenths of a second, and its trees of syntax are a few
hundred thousand objects. So what is asked for together is read together (`prepare`), and the trees
go before the garbage collector sees them. What a process counted first it keeps: a file that is
edited meanwhile is not what runs.
"""

import gc
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mmpipeline.provenance.map import CodeMap
from mmpipeline.provenance.policy import Policy
from mmpipeline.provenance.reach import Reach, reach
from mmpipeline.provenance.tree import SourceTree

CODE_MARK = "code-1:"
"""Begins each digest, and names how it was made; early ones were of whole files and have none."""
PACKAGE = "mmpipeline"

_reached: dict[tuple[str, ...], Reach] = {}
_reading = threading.Lock()


def digest_code(*entries: str) -> str:
    """Digest the code that entries reach.

    Parameters
    ----------
    *entries
        Definitions as ``module:name``, such as a stage's function and its config section.

    Returns
    -------
    str
        `CODE_MARK` and 16 hex digits. They change with any definition and data file that is
        reached and does not only plumb; comments, docstrings, layout, annotations of functions and
        the order of imports leave them.

    Raises
    ------
    LookupError
        If an entry is not there.
    """
    return f"{CODE_MARK}{covered_code(*entries).digest}"


def covered_code(*entries: str) -> Reach:
    """Return what `digest_code` covers.

    Parameters
    ----------
    *entries
        As of `digest_code`.

    Returns
    -------
    Reach
        Digests of definitions and data files by name.
    """
    prepare([entries])
    return _reached[entries]


def prepare(tables: Iterable[tuple[str, ...]]) -> None:
    """Read the code of several entries at once.

    Parameters
    ----------
    tables
        The entries of each digest that will be asked for.
    """
    with _reading:  # stages that begin at the same time need not read it twice
        missing = [entries for entries in tables if entries not in _reached]
        if missing:
            _reached.update(read_reached(SourceTree.installed(PACKAGE), missing))


def forget() -> None:
    """Read anew what is asked for next: for whoever edits the source on purpose meanwhile."""
    _reached.clear()


def read_reached(
    tree: SourceTree, tables: Iterable[tuple[str, ...]], policy: Policy | None = None
) -> dict[tuple[str, ...], Reach]:
    """Read what entries reach in a source tree.

    Parameters
    ----------
    tree
        The files.
    tables
        Entries.
    policy
        What counts; None: as for the product.

    Returns
    -------
    dict
        What is reached, by entries.
    """
    with without_collector():
        code = CodeMap(tree, policy)
        found = {entries: reach(code, entries) for entries in tables}
        del code
    return found


@contextmanager
def without_collector() -> Iterator[None]:
    """Leave the garbage collector out: trees of syntax are large and hold no garbage.

    Yields
    ------
    None
        While it is off; parsing takes less than half the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
