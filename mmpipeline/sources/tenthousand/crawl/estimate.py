"""The estimate of how much of the site is left, and how long that takes at this run's pace."""

from dataclasses import dataclass

from mmpipeline.sources.tenthousand.crawl.lists import SITE_TOTAL
from mmpipeline.sources.tenthousand.crawl.session import CrawlRun
from mmpipeline.web.pacing import JITTER_SHARE

_CARDS_PER_LIST = 40
_MEASURED_FROM = 20  # requests; a run of fewer says little about the site's speed


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to be done.

    Attributes
    ----------
    unlisted
        Recipes that the site says it has and no list page has shown yet.
    seconds
        Time for all the rest.
    """

    unlisted: int
    seconds: float


def estimate_rest(run: CrawlRun) -> Rest:
    """Estimate what is left after a run: pages known and unknown, list pages, photos."""
    state, pages_done = run.state, run.state.count_with_content()
    photos_todo, photos_done = state.photos.count("todo"), state.photos.count("done")
    known = state.count_pages("todo", "recheck", "fetched", "done", "failed", "skipped_robots")
    total = int(state.get(SITE_TOTAL) or 0) if run.config.whole_site else 0
    unlisted = max(0, total - known) if state.get("backfill_page") != "done" else 0
    waiting = state.count_pages("todo") + unlisted
    requests: float = waiting + state.count_pages("recheck") + unlisted / _CARDS_PER_LIST
    if run.config.images:
        photos_per_page = (photos_todo + photos_done) / pages_done if pages_done else 1.0
        requests += photos_todo + waiting * photos_per_page
    seconds_per_request = run.config.pace_s * (1 + JITTER_SHARE / 2)
    if run.fetcher.requests_sent >= _MEASURED_FROM:
        seconds_per_request = run.seconds / run.fetcher.requests_sent
    return Rest(unlisted, requests * seconds_per_request)
