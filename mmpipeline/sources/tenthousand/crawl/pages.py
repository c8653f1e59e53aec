"""Visits of recipe pages: fetched into the archive, and read from there.

A page is safe in the archive before it is read. Reading goes by fifty, and nothing of a batch is
committed before it is clear that pages are still readable: what was known of them stays.

A page that is known already and comes again with other bytes is read before it is put away:
when only adverts, views or comments changed, the archive gets a note instead of a body. That costs
a changed page a second reading, and keeps years of refreshes from filling the disk.
"""

import math
from collections import Counter
from urllib.parse import urlsplit

from mmpipeline.errors import ArtifactError
from mmpipeline.progress import Progress
from mmpipeline.sources.tenthousand.crawl.photos import fetch_photos_meanwhile
from mmpipeline.sources.tenthousand.crawl.session import CrawlRun, now
from mmpipeline.sources.tenthousand.page.recipe_page import (
    REQUIRED_FIELDS,
    PageRecord,
    UnreadablePage,
    find_missing_reason,
    read_recipe_page,
)
from mmpipeline.sources.tenthousand.page.urls import recipe_url
from mmpipeline.sources.tenthousand.parse.snapshot import check_layout
from mmpipeline.sources.tenthousand.store.photo_files import photo_key
from mmpipeline.sources.tenthousand.store.state import PageRow, ReadablePage
from mmpipeline.web.archive import SAME_BODY, SAME_RECIPE, read_page
from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.fetcher import Response

_ReadResult = tuple[ReadablePage, PageRecord | UnreadablePage, list[str]]  # and its photos
_BATCH_PAGES = 50


def fetch_pages(run: CrawlRun) -> None:
    """Fetch recipe pages, newest first, and read them, until none is left or bounds are met.

    Pages are read fifty at a time, and photos of other hosts fetched while the site's pace makes
    us wait.

    Raises
    ------
    LayoutChangedError
        If too many of the run's pages lack a field; those that were not read yet stay unread.
    """
    statuses = ("todo", "recheck") if run.config.new_pages else ("recheck",)
    limit = run.state.count_pages(*statuses)
    if run.config.max_pages is not None:
        limit = min(limit, run.config.max_pages - run.counts["asked"])
    host = urlsplit(run.config.base_url).netloc
    with Progress("fetch pages", max(0, limit), "page") as progress:
        for number in range(1, limit + 1):
            fetch_photos_meanwhile(run, host)
            page = run.state.next_page(statuses) if run.has_time else None
            if page is None:
                break
            run.counts["asked"] += 1
            fetch_page(run, page)
            if number % _BATCH_PAGES == 0:
                read_pages(run)
            progress.update()
    read_pages(run)


def fetch_page(run: CrawlRun, page: PageRow) -> None:
    """Fetch one page into the archive, and note in the state what became of it."""
    url = recipe_url(run.config.base_url, str(page.number))
    if not run.robots.allows(url):
        run.counts["skipped_robots"] += 1
        _mark(run, page.number, "skipped_robots", "robots.txt forbids it")
        return
    try:
        response = run.fetcher.fetch(
            url, max_bytes=run.config.max_page_bytes, headers=_conditions(page)
        )
    except RequestFailedError as failure:
        run.failed[failure.reason] += 1
        _mark(run, page.number, "failed", str(failure))
        return
    _settle_page(run, page, response)


def _settle_page(run: CrawlRun, page: PageRow, response: Response) -> None:
    gone = find_missing_reason(page.number, response.status, response.url, response.body)
    if response.status == 304 and page.content_hash:
        run.keep("not_modified", response)
        _settle_unchanged(run, page)
    elif gone:
        run.counts["deleted"] += 1
        run.keep("gone", response)
        start = response.body[:200].decode("utf-8", errors="replace")
        detail = f"{gone}: status {response.status}, {response.url}, {start!r}"
        with run.state as state:
            orphans = state.mark_deleted(page.number, detail, response.fetched_at)
        run.remove_files(orphans)
    elif response.status != 200:
        run.keep("failed", response)
        run.failed[f"status_{response.status}"] += 1
        _mark(run, page.number, "failed", f"status_{response.status}")
    elif run.state.has_body(page.number, response.body):
        run.keep("revisit", response, revisit=SAME_BODY)
        _settle_unchanged(run, page)
    elif _says_the_same(run, page, response):
        run.keep("revisit", response, revisit=SAME_RECIPE)
        with run.state as state:
            state.set_validators(page.number, response)
        _settle_unchanged(run, page)
    else:
        run.counts["fetched"] += 1
        place = run.archive.append(response)
        with run.state as state:
            response_id = state.responses.add("recipe", response, place)
            state.mark_fetched(page.number, response, response_id)


def _says_the_same(run: CrawlRun, page: PageRow, response: Response) -> bool:
    """Tell whether a page gives the very recipe that is known; count what it lacks if so."""
    if _is_unread(page.content_hash):
        return False
    record = read_recipe_page(
        response.body, response.header("Content-Type"), response.url, page.number
    )
    if isinstance(record, UnreadablePage) or record.content_hash() != page.content_hash:
        return False
    photos = set(_photo_keys(record, response.url))
    if run.config.images and photos != run.state.photos.of_recipe(page.number):
        return False  # moved to other addresses, or never asked for: the page is read in full
    run.missing.update(list(record.missing_fields))
    run.counts["read"] += 1
    return True


def _is_unread(content_hash: str | None) -> bool:
    return content_hash is None or content_hash.startswith("unreadable:")


def _settle_unchanged(run: CrawlRun, page: PageRow) -> None:
    run.counts["not_modified"] += 1
    _mark(run, page.number, "done", None)


def _mark(run: CrawlRun, number: int, status: str, reason: str | None) -> None:
    with run.state as state:
        state.mark_page(number, status, reason, now())


def read_pages(run: CrawlRun) -> None:
    """Read fetched pages: content hash for the history, photos to be fetched.

    Raises
    ------
    LayoutChangedError
        If too many of a batch or of the run's pages lack a field that every recipe has. Nothing
        of such a batch is committed: its pages stay to be read again.
    """
    batch: list[_ReadResult] = []
    for page in list(run.state.pages_to_read()):
        batch += _read_page(run, page)
        if len(batch) == _BATCH_PAGES:
            _commit_read(run, batch)
            batch = []
    _commit_read(run, batch)


def _read_page(run: CrawlRun, page: ReadablePage) -> list[_ReadResult]:
    try:
        archived = read_page(run.archive_folder, page.place, run.config.max_page_bytes)
    except ArtifactError as error:  # a damaged record: the page is fetched again by the next run
        run.failed["archive_damaged"] += 1
        _mark(run, page.number, "failed", str(error))
        return []
    record = read_recipe_page(archived.body, archived.content_type, archived.url, page.number)
    if isinstance(record, UnreadablePage):
        return [(page, record, [])]
    return [(page, record, _photo_keys(record, archived.url))]


def _photo_keys(record: PageRecord, url: str) -> list[str]:
    return [photo_key(image.url or "", url) for image in record.recipe.images]


def _commit_read(run: CrawlRun, results: list[_ReadResult]) -> None:
    _check_layout(run, [record for _, record, _ in results])
    orphans = []
    with run.state as state:
        for page, record, urls in results:
            if isinstance(record, UnreadablePage) and not _is_unread(page.content_hash):
                run.failed[record.reason] += 1
                state.restore_read(page.number, record.reason)
                continue
            content_hash = record.content_hash()
            state.mark_read(page.number, content_hash)
            if run.config.images:
                orphans += state.photos.set_recipe(page.number, urls)
            run.counts["new"] += page.content_hash is None
            run.counts["changed"] += page.content_hash not in {None, content_hash}
    run.remove_files(orphans)


def _check_layout(run: CrawlRun, records: list[PageRecord | UnreadablePage]) -> None:
    """Check a batch alone, since a change begins late in a long run, and the run as a whole."""
    missing: Counter[str] = Counter()
    for record in records:
        lacking = REQUIRED_FIELDS if isinstance(record, UnreadablePage) else record.missing_fields
        missing.update(list(lacking))
    run.missing += missing
    run.counts["read"] += len(records)
    for lacked, pages in ((missing, len(records)), (run.missing, run.counts["read"])):
        check_layout(lacked, pages, _bound_for(run.config.required_field_bound, max(1, pages)))


def _bound_for(bound: float, pages: int) -> float:
    """Return the share that chance alone would not reach: three standard deviations more."""
    return min(0.95, bound + 3 * math.sqrt(bound * (1 - bound) / pages))


def _conditions(page: PageRow) -> dict[str, str]:
    if page.content_hash is None:
        return {}
    conditions = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
    return {name: value for name, value in conditions.items() if value}
