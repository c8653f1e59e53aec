"""The rules of robots.txt, as RFC 9309 says.

A file that is not there (4xx) allows everything; a file that cannot be had (5xx, unreachable)
forbids everything. Protego reads the rules. Rules that were had are kept for a day at most, across
runs too; a file that could not be had is asked for again by the next run.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from protego import Protego

from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.fetcher import Response

ROBOT_NAME = "mmpipeline"
MAX_AGE_S = 86_400.0
MAX_RULES_BYTES = 512 * 1024  # RFC 9309 asks for at least 500 KiB
_MAX_DELAY_S = 60.0


@dataclass(frozen=True, slots=True)
class HostRules:
    """The rules of one host.

    Attributes
    ----------
    is_reachable
        False when robots.txt could not be had: then nothing may be fetched.
    detail
        Why it could not be had.
    crawl_delay_s
        Seconds between requests that the host asks for, at most a minute.
    """

    is_reachable: bool
    rules: Protego | None = None
    detail: str = ""
    crawl_delay_s: float | None = None

    def allows(self, url: str) -> bool:
        """Tell whether our robot may fetch an address of this host."""
        if not self.is_reachable:
            return False
        return self.rules is None or bool(self.rules.can_fetch(url, ROBOT_NAME))


class RulesCache(Protocol):
    """Keeps the files of hosts from one run to the next."""

    def load(self, origin: str) -> tuple[float, str | None] | None:
        """Return when a host's file was read and what it said; no text: there is no file."""

    def save(self, origin: str, read_at: float, text: str | None) -> None:
        """Keep what a host's file says."""


class RobotsPolicy:
    """Rules of all hosts that are asked, fetched once a day each.

    Parameters
    ----------
    fetch
        Gets an address; raises `RequestFailedError`.
    cache
        Where files outlive the run; None keeps them for the run only.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        fetch: Callable[[str], Response],
        cache: RulesCache | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._cache = cache
        self._clock = clock
        self._known: dict[str, tuple[float, HostRules]] = {}

    def rules_for(self, url: str) -> HostRules:
        """Return the rules of the host of an address, fetching its robots.txt when due."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._known and self._cache and (kept := self._cache.load(origin)):
            self._known[origin] = (kept[0], _parse_rules(kept[1]))
        if origin in self._known:
            read_at, rules = self._known[origin]
            if 0 <= self._clock() - read_at < MAX_AGE_S:
                return rules
        rules = self._read(origin)
        self._known[origin] = (self._clock(), rules)
        return rules

    def allows(self, url: str) -> bool:
        """Tell whether our robot may fetch an address; robots.txt itself always."""
        return urlsplit(url).path == "/robots.txt" or self.rules_for(url).allows(url)

    def _read(self, origin: str) -> HostRules:
        try:
            response = self._fetch(f"{origin}/robots.txt")
        except RequestFailedError as failure:
            return HostRules(is_reachable=False, detail=str(failure))
        text: str | None = None
        if response.status == 200:
            text = response.body[:MAX_RULES_BYTES].decode("utf-8-sig", errors="replace")
        elif not 400 <= response.status < 500 or response.status == 429:
            return HostRules(is_reachable=False, detail=f"status {response.status}")
        if self._cache:
            self._cache.save(origin, self._clock(), text)
        return _parse_rules(text)


def _parse_rules(text: str | None) -> HostRules:
    if text is None:
        return HostRules(is_reachable=True)
    rules = Protego.parse(text)
    delay = rules.crawl_delay(ROBOT_NAME)
    return HostRules(
        is_reachable=True,
        rules=rules,
        crawl_delay_s=min(float(delay), _MAX_DELAY_S) if delay else None,
    )
