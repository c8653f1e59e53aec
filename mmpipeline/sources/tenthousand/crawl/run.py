"""One run of the scraper: robots.txt, list walk, recipe pages, photos.

Everything a step learns is committed before the next step begins, so the run may be killed at
any point and the next one goes on there. The newest recipes come first.
"""

import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError
from tqdm import tqdm

from mmpipeline.config.sources import ScrapeConfig
from mmpipeline.errors import ConfigError
from mmpipeline.sources.tenthousand.crawl.estimate import estimate_rest
from mmpipeline.sources.tenthousand.crawl.lists import (
    add_named_recipes,
    walk_wanted_lists,
    walk_whole_site,
)
from mmpipeline.sources.tenthousand.crawl.pages import fetch_pages
from mmpipeline.sources.tenthousand.crawl.photos import fetch_photos
from mmpipeline.sources.tenthousand.crawl.report import CrawlReport
from mmpipeline.sources.tenthousand.crawl.session import CrawlRun, now
from mmpipeline.sources.tenthousand.page.lists import named_recipes, wanted_lists
from mmpipeline.sources.tenthousand.page.urls import LOOPBACK_HOSTS
from mmpipeline.sources.tenthousand.store.store import ARCHIVE_FOLDER, open_state, read_state
from mmpipeline.web.archive import PageArchive
from mmpipeline.web.fetcher import Fetcher, FetchLimits
from mmpipeline.web.pacing import Pacer
from mmpipeline.web.transport import name_user_agent


def crawl_site(
    store: Path,
    config: ScrapeConfig,
    contact: str | None,
    *,
    pacer: Pacer | None = None,
    limits: FetchLimits | None = None,
) -> CrawlReport:
    """Bring a store up to date with the site.

    Parameters
    ----------
    store
        Folder of the archive, the crawl state and the photos; made when missing.
    config
        How the site is asked.
    contact
        Mail address or URL for the User-Agent; a live host requires it.
    pacer, limits
        Other waiting and retrying than `config` gives: for tests and benchmarks.

    Returns
    -------
    CrawlReport
        What was found and done.

    Raises
    ------
    ConfigError
        If the address is none, or a live host is to be asked without a contact.
    FetchError
        If robots.txt cannot be had (the site is then left alone) or no list page can be had.
    LayoutChangedError
        If pages come, but none of them is a recipe page as we know it.
    BusyError
        If another crawl is at work in this store.
    """
    fetcher = open_fetcher(config, contact, pacer, limits)
    named_recipes(config)  # a slip in the config is told before anything is asked
    wanted_lists(config)
    with ExitStack() as stack:
        stack.callback(fetcher.close)
        state = stack.enter_context(open_state(store))
        folder = store / ARCHIVE_FOLDER
        with state:
            state.responses.forget_lost(folder)
        archive = stack.enter_context(PageArchive(folder, state.responses.good_bytes()))
        return _do_all_steps(CrawlRun(store, config, state, archive, fetcher))


def recheck_site(
    store: Path,
    config: ScrapeConfig,
    contact: str | None,
    *,
    older_than_days: float,
    at_most: int,
) -> CrawlReport:
    """Ask again for known pages only, those first that were not asked for longest.

    Parameters
    ----------
    store, config, contact
        As for `crawl_site`.
    older_than_days
        How long ago a page must have been asked for to be due.
    at_most
        Pages asked for.

    Returns
    -------
    CrawlReport
        What was found and done.

    Raises
    ------
    ConfigError
        If a number is out of bounds.
    """
    changes = {
        "whole_site": False, "new_pages": False,
        "categories": (), "queries": (), "rankings": (), "recipes": (),
        "recheck_after_days": older_than_days, "max_rechecks": at_most,
    }  # fmt: skip
    try:
        narrowed = ScrapeConfig.model_validate(config.model_dump() | changes)
    except ValidationError as error:
        raise ConfigError(
            f"older_than_days {older_than_days} and at_most {at_most} must not be negative"
        ) from error
    return crawl_site(store, narrowed, contact)


def snapshot_id(store: Path) -> str:
    """Return the hash of what decides the parsed result of a store.

    Raises
    ------
    ArtifactError
        If nothing was ever crawled into this store.
    """
    with read_state(store) as state:
        return state.snapshot_id()


def _tell(message: str) -> None:
    tqdm.write(message, file=sys.stderr)  # standard output belongs to whoever calls


def open_fetcher(
    config: ScrapeConfig,
    contact: str | None,
    pacer: Pacer | None = None,
    limits: FetchLimits | None = None,
) -> Fetcher:
    """Return a fetcher that may ask the configured site and no other; see `crawl_site`.

    Raises
    ------
    ConfigError
        If the address is none, or a live host is to be asked without a contact.
    """
    parts = urlsplit(config.base_url)
    host = parts.hostname
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(
            f"scrape.base_url must be an http or https address, found {config.base_url!r}"
        )
    is_loopback = host in LOOPBACK_HOSTS
    if is_loopback and not config.allow_loopback:
        raise ConfigError(
            f"scrape.base_url {config.base_url} is on this machine; "
            "set scrape.allow_loopback = true if that is meant"
        )
    # The sample site must never send us to a live host, and a live host never to this machine.
    image_hosts = () if is_loopback else config.image_hosts
    return Fetcher(
        allowed_hosts=frozenset({host, host.removeprefix("www."), *image_hosts}),
        user_agent=name_user_agent(contact, is_loopback=is_loopback),
        pacer=pacer or Pacer(config.pace_s),
        limits=limits or FetchLimits(timeout_s=config.timeout_s, retries=config.retries),
        allow_loopback=is_loopback,
        on_wait=_tell,
    )


def _mark_due(run: CrawlRun) -> None:
    """Put known pages that were not asked for in a long time back to be asked for."""
    cutoff = run.recheck_cutoff
    if cutoff is not None:
        with run.state as state:
            state.mark_due(cutoff, run.config.max_rechecks, now())


def _do_all_steps(run: CrawlRun) -> CrawlReport:
    state, counts = run.state, run.counts
    before = state.snapshot_id()
    resumed = state.count_pages("todo", "recheck", "fetched")
    with state:
        state.retry_failed()
    run.ask_for_permission()
    add_named_recipes(run)
    if run.config.whole_site:
        walk_whole_site(run)
    _mark_due(run)
    fetch_pages(run)
    walk_wanted_lists(run)
    fetch_pages(run)
    if run.config.images:
        fetch_photos(run)
    rest = estimate_rest(run)
    return CrawlReport(
        listed=counts["listed"],
        fetched=counts["fetched"],
        not_modified=counts["not_modified"],
        new=counts["new"],
        changed=counts["changed"],
        deleted=counts["deleted"],
        skipped_robots=counts["skipped_robots"],
        photos=counts["photos"],
        failed=dict(sorted(run.failed.items())),
        requests=run.fetcher.requests_sent,
        seconds=run.seconds,
        resumed=resumed,
        left=state.count_pages("todo", "recheck"),
        unlisted=rest.unlisted,
        seconds_left=rest.seconds,
        previous_snapshot_id=before,
        snapshot_id=state.snapshot_id(),
    )
