"""The watchdog of requests that take too long, at next to no cost for those that do not.

A timer a request would start and end a thread each. Here one thread waits: a request that ends in
time only moves the moment, and the thread learns of it when it wakes for the earlier one.
"""

import threading
import time
from collections.abc import Callable

_IDLE_S = 10.0


class Watchdog:
    """Calls a function when it was armed and not disarmed in time.

    Parameters
    ----------
    act
        What to do, in another thread; never after `disarm` has returned.
    """

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._changed = threading.Condition()
        self._due: float | None = None
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def arm(self, seconds: float) -> None:
        """Act in so many seconds."""
        with self._changed:
            self._due = time.monotonic() + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
            elif self._due < self._wakes_at:
                self._changed.notify()

    def disarm(self) -> None:
        """Do nothing."""
        with self._changed:
            self._due = None

    def _watch(self) -> None:
        with self._changed:
            last_armed = time.monotonic()
            while True:
                moment = time.monotonic()
                if self._due is not None:
                    last_armed = moment
                    if moment >= self._due:
                        self._due = None
                        self._act()
                        continue
                elif moment - last_armed >= _IDLE_S:
                    self._thread = None  # the next one to arm it starts another
                    return
                self._wakes_at = moment + _IDLE_S if self._due is None else self._due
                self._changed.wait(self._wakes_at - moment)
