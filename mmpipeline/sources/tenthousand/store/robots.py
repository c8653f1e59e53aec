"""The cache of hosts' robots.txt in the crawl state, kept for a day."""

import json

from mmpipeline.sources.tenthousand.store.state import CrawlState


class RobotsCache:
    """The robots.txt files of one store.

    Parameters
    ----------
    state
        The store's crawl state.
    """

    def __init__(self, state: CrawlState) -> None:
        self._state = state

    def load(self, origin: str) -> tuple[float, str | None] | None:
        """Return when a host's file was read and what it said; no text: there is no file."""
        kept = self._state.get(f"robots {origin}")
        if kept is None:
            return None
        read_at, text = json.loads(kept)
        return float(read_at), text

    def save(self, origin: str, read_at: float, text: str | None) -> None:
        """Keep what a host's file says."""
        with self._state as state:
            state.set(f"robots {origin}", json.dumps([read_at, text], ensure_ascii=False))
