"""The pause between requests: one queue a host, never two closer together than the pace.

The clock and the sleep are arguments, so that tests measure politeness without waiting for it.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

JITTER_SHARE = 0.25


class Pacer:
    """Makes callers wait until a host may be asked again.

    Parameters
    ----------
    pace_s
        Least time between the starts of two requests to one host, in seconds.
    clock
        Monotonic seconds.
    sleep
        Waits for a number of seconds.
    """

    def __init__(
        self,
        pace_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._pace_s = pace_s
        self._clock = clock
        self._sleep = sleep
        self._ready_at: dict[str, float] = {}
        self._host_pace_s: dict[str, float] = {}
        self._random = random.Random()

    def set_host_pace(self, host: str, pace_s: float) -> None:
        """Ask one host more slowly than the others; a faster pace than the default is ignored."""
        self._host_pace_s[host] = max(pace_s, self._pace_s)

    def ready_at(self, host: str) -> float:
        """Return the clock time from which the host may be asked."""
        return self._ready_at.get(host, float("-inf"))

    def wait(self, host: str) -> None:
        """Sleep until the host may be asked, and count this as a request to it."""
        self.sleep(self.ready_at(host) - self._clock())
        pace_s = self._host_pace_s.get(host, self._pace_s)
        gap_s = pace_s * (1 + JITTER_SHARE * self._random.random())
        self._ready_at[host] = self._clock() + gap_s

    def pause(self, host: str, seconds: float) -> None:
        """Let nobody ask the host for a number of seconds."""
        self._ready_at[host] = max(self.ready_at(host), self._clock() + seconds)

    def sleep(self, seconds: float) -> None:
        """Sleep, if there is anything to wait for."""
        if seconds > 0:
            self._sleep(seconds)


def read_retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for.

    Parameters
    ----------
    value
        A number of seconds or an HTTP date.

    Returns
    -------
    float or None
        At least 0; None when there is no header or it says neither.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time())
