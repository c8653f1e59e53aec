"""The published index, kept open: follows CURRENT and swaps without dropping a request in flight.

A request leases the index that answers when it begins and keeps it to its end. A swap opens the
new version beside the old one (both are mapped, so it costs little memory), hands it to whoever
comes next, and closes the old one when its last lease ends. A version that cannot be opened is
told in `problem` and never takes over.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from mmpipeline.errors import NoIndexError, PipelineError
from mmpipeline.search.current import current_version
from mmpipeline.search.index import SearchIndex
from mmpipeline.storage.layout import DataLayout


@dataclass(slots=True)
class _Opened:
    index: SearchIndex
    leases: int = 0
    is_retired: bool = False


class LiveIndex:
    """Holds the published index open and follows CURRENT.

    As a context manager it looks at CURRENT in a thread of its own; without one, call `refresh`.
    All methods may be called from any thread.

    Parameters
    ----------
    layout
        The data folder.
    interval_s
        Seconds between two looks at CURRENT.
    """

    def __init__(self, layout: DataLayout, interval_s: float = 1.0) -> None:
        self._layout = layout
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._swap_lock = threading.Lock()
        self._opened: _Opened | None = None
        self._problem: str | None = None
        self._swaps = 0
        self._is_closing = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def version(self) -> str | None:
        """Id of the version that answers; None when none does."""
        with self._lock:
            return self._opened.index.version if self._opened else None

    @property
    def problem(self) -> str | None:
        """Why CURRENT could not be followed the last time; None when it was."""
        with self._lock:
            return self._problem

    @property
    def swaps(self) -> int:
        """How often a version took over from another."""
        with self._lock:
            return self._swaps

    @contextmanager
    def lease(self) -> Iterator[SearchIndex]:
        """Hold the index that answers now for the length of a block.

        Yields
        ------
        SearchIndex
            It stays open to the end of the block, whatever is published meanwhile.

        Raises
        ------
        NoIndexError
            If no index could be opened yet.
        """
        with self._lock:
            opened = self._opened
            if opened is None:
                raise NoIndexError(self._problem or "no index is open; publish one")
            opened.leases += 1
        try:
            yield opened.index
        finally:
            self._end_lease(opened)

    def refresh(self) -> bool:
        """Look at CURRENT and follow it.

        Returns
        -------
        bool
            Whether another version answers now.
        """
        with self._swap_lock:
            try:
                version = current_version(self._layout)
                if version is not None and version == self.version:
                    self._tell(None)
                    return False
                index = SearchIndex.open(self._layout, version)
            except (PipelineError, OSError) as error:
                self._tell(str(error))
                return False
            self._replace(_Opened(index))
            return True

    def close(self) -> None:
        """Stop following CURRENT; the index is closed when its last lease ends."""
        self._is_closing.set()
        if self._watcher is not None:
            self._watcher.join()
        self._replace(None)

    def __enter__(self) -> Self:
        """Open the published index and begin to follow CURRENT."""
        self.refresh()
        self._watcher = threading.Thread(target=self._watch, name="index-watcher", daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop following; see `close`."""
        self.close()

    def _watch(self) -> None:
        while not self._is_closing.wait(self._interval_s):
            self.refresh()

    def _tell(self, problem: str | None) -> None:
        with self._lock:
            self._problem = problem

    def _replace(self, opened: _Opened | None) -> None:
        with self._lock:
            before, self._opened = self._opened, opened
            self._problem = None
            if before is not None:
                before.is_retired = True
                self._swaps += opened is not None
        if before is not None:
            self._close_unused(before)

    def _end_lease(self, opened: _Opened) -> None:
        with self._lock:
            opened.leases -= 1
        self._close_unused(opened)

    def _close_unused(self, opened: _Opened) -> None:
        with self._lock:
            if not opened.is_retired or opened.leases:
                return
            opened.leases = -1  # closed once only
        opened.index.close()
