"""Progress of long work: a bar where the screen is a terminal, and a call to whoever watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tqdm import tqdm

Watcher = Callable[[str, float], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


class Progress(tqdm):  # type: ignore[type-arg]  # the class is generic in its stubs alone
    """The progress of one piece of work; a context manager.

    Parameters
    ----------
    label
        What the work is.
    total
        How much there is; 0 where nobody knows.
    unit
        What is counted.
    initial
        What was done before.
    """

    def __init__(self, label: str, total: int, unit: str = "it", initial: int = 0) -> None:
        self._label, self._watcher = label, _watcher.get()
        self._done = float(initial)
        super().__init__(
            desc=label,
            total=total or None,
            unit=unit,
            initial=initial,
            disable=None,
            leave=False,
            ncols=100,
        )

    def update(self, n: float | None = 1) -> bool | None:
        """Count what was done, and tell the watcher which share that is."""
        self._done += n or 0
        if self._watcher is not None and self.total:
            self._watcher(self._label, min(1.0, self._done / self.total))
        return super().update(n)


@contextmanager
def watch_progress(watcher: Watcher) -> Iterator[None]:
    """Have a function called with every progress of a block's work.

    Parameters
    ----------
    watcher
        Takes the label and the share that is done, 0 to 1; called in the work's own thread, as
        often as the work counts, so it must be quick.

    Yields
    ------
    None
        While the watcher watches.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
