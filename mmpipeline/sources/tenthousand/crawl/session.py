"""The session of one crawl: the open store, the fetcher, the rules, the counts."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from mmpipeline.config.sources import ScrapeConfig
from mmpipeline.errors import FetchError
from mmpipeline.sources.tenthousand.store.robots import RobotsCache
from mmpipeline.sources.tenthousand.store.state import CrawlState
from mmpipeline.sources.tenthousand.store.store import ARCHIVE_FOLDER
from mmpipeline.web.archive import PageArchive
from mmpipeline.web.fetcher import Fetcher, Response
from mmpipeline.web.robots import MAX_RULES_BYTES, RobotsPolicy


@dataclass(slots=True)
class CrawlRun:
    """One run of the scraper.

    Attributes
    ----------
    store
        The store's folder.
    state, archive, fetcher
        Open.
    counts
        Fields of the report by name.
    failed
        Pages and photos that could not be had, by reason.
    missing
        Pages read that lack a field, by field.
    """

    store: Path
    config: ScrapeConfig
    state: CrawlState
    archive: PageArchive
    fetcher: Fetcher
    counts: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    robots: RobotsPolicy = field(init=False)
    _started: float = field(init=False)
    _started_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Let robots.txt decide on redirects too."""
        self.robots = RobotsPolicy(self._fetch_robots, RobotsCache(self.state))
        self.fetcher.may_fetch = self.robots.allows
        self._started = time.monotonic()
        self._started_at = datetime.now(UTC)

    @property
    def archive_folder(self) -> Path:
        """Where the pages lie."""
        return self.store / ARCHIVE_FOLDER

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self._started

    @property
    def has_time(self) -> bool:
        """Whether the run may go on, by the configured limit."""
        limit = self.config.max_minutes
        return limit is None or self.seconds < limit * 60

    @property
    def recheck_cutoff(self) -> str | None:
        """Time before which a page must have been asked for to be due again, ISO 8601 in UTC."""
        days = self.config.recheck_after_days
        if days is None:
            return None
        moment = self._started_at - timedelta(days=days)
        return moment.isoformat(timespec="seconds")

    def ask_for_permission(self) -> None:
        """Read the site's robots.txt, and take up the pace it asks for.

        Raises
        ------
        FetchError
            If it cannot be had: then nothing else may be fetched.
        """
        rules = self.robots.rules_for(self.config.base_url)
        if not rules.is_reachable:
            raise FetchError(
                f"{self.config.base_url}/robots.txt could not be had ({rules.detail}), so the "
                "site is left alone; try again later"
            )
        if rules.crawl_delay_s is not None:
            host = urlsplit(self.config.base_url).netloc
            self.fetcher.pacer.set_host_pace(host, rules.crawl_delay_s)

    def _fetch_robots(self, url: str) -> Response:
        response = self.fetcher.fetch(url, max_bytes=MAX_RULES_BYTES * 2)
        self.keep("robots", response)
        return response

    def keep(self, kind: str, response: Response, *, revisit: str | None = None) -> int:
        """Put a response into the archive; return its row in the crawl state.

        Parameters
        ----------
        kind
            What it is, such as ``list``.
        response
            As received.
        revisit
            Only note that it came again, with this profile of `PageArchive.append`.
        """
        place = self.archive.append(response, revisit=revisit)
        with self.state as state:
            return state.responses.add(kind, response, place)

    def remove_files(self, files: list[str]) -> None:
        """Delete files of the store that nothing refers to any more."""
        for file in files:
            (self.store / file).unlink(missing_ok=True)


def now() -> str:
    """Return the time in UTC, ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
