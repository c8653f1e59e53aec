"""Fetches recipe pages into the archive, and reads them from there.

Fetching and reading are apart because reading costs several times the CPU of fetching: the pages
of a run are all safe before the first is read.
"""

from collections import Counter

from mmpipeline.errors import ArtifactError
from mmpipeline.scraping.archive import read_page
from mmpipeline.scraping.crawl_run import CrawlRun, now, show_progress
from mmpipeline.scraping.failures import RequestFailedError
from mmpipeline.scraping.fetcher import Response
from mmpipeline.scraping.parse import LAYOUT_MIN_PAGES, check_layout
from mmpipeline.scraping.photos import photo_key
from mmpipeline.scraping.sites.tenthousand_recipe.recipe_page import (
    UnreadablePage,
    find_missing_reason,
    read_recipe_page,
)
from mmpipeline.scraping.sites.tenthousand_recipe.urls import recipe_url
from mmpipeline.scraping.state import PageRow, ReadablePage

_ReadResult = tuple[ReadablePage, str, list[str]]  # page, content hash, photos


def fetch_pages(run: CrawlRun) -> None:
    """Fetch recipe pages, newest first, until none is left or the run's bounds are met."""
    total = run.state.count_pages("todo")
    limit = min(total, run.config.max_pages or total)
    with show_progress("fetch pages", limit, "page") as advance:
        for _ in range(limit):
            page = run.state.next_page() if run.has_time else None
            if page is None:
                return
            _fetch_page(run, page)
            advance()


def _fetch_page(run: CrawlRun, page: PageRow) -> None:
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
        run.counts["not_modified"] += 1
        _mark(run, page.number, "done", None)
    elif gone:
        run.counts["deleted"] += 1
        run.keep("gone", response)
        start = response.body[:200].decode("utf-8", errors="replace")
        detail = f"{gone}: status {response.status}, {response.url}, {start!r}"
        with run.state as state:
            orphans = state.mark_deleted(page.number, detail, response.fetched_at)
        run.remove_files(orphans)
    elif response.status != 200:
        run.failed[f"status_{response.status}"] += 1
        _mark(run, page.number, "failed", f"status_{response.status}")
    else:
        run.counts["fetched"] += 1
        place = run.archive.append(response)
        with run.state as state:
            response_id = state.add_response("recipe", response, place)
            state.mark_fetched(page.number, response, response_id)


def _mark(run: CrawlRun, number: int, status: str, reason: str | None) -> None:
    with run.state as state:
        state.mark_page(number, status, reason, now())


def read_pages(run: CrawlRun) -> None:
    """Read fetched pages: content hash for the history, photos to be fetched.

    Raises
    ------
    LayoutChangedError
        If none of the pages is a recipe page as we know it; they stay to be read again.
    """
    pages = list(run.state.pages_to_read())
    missing: Counter[str] = Counter()
    results: list[_ReadResult] = []
    with show_progress("read pages", len(pages), "page") as advance:
        for count, page in enumerate(pages, start=1):
            results += _read_page(run, page, missing)
            if count == LAYOUT_MIN_PAGES:
                # Nothing is committed before it is clear that pages are still readable.
                check_layout(missing, count, bound=(count - 1) / count)
            if count >= LAYOUT_MIN_PAGES or count == len(pages):
                _commit_read(run, results)
                results = []
            advance()


def _read_page(run: CrawlRun, page: ReadablePage, missing: Counter[str]) -> list[_ReadResult]:
    try:
        archived = read_page(run.archive_folder, page.place, run.config.max_page_bytes)
    except ArtifactError as error:  # a damaged record: the page is fetched again by the next run
        run.failed["archive_damaged"] += 1
        _mark(run, page.number, "failed", str(error))
        return []
    record = read_recipe_page(archived.body, archived.content_type, archived.url, page.number)
    if isinstance(record, UnreadablePage):
        missing["title"] += 1
        return [(page, record.content_hash(), [])]
    links = (image.url or "" for image in record.recipe.images)
    return [(page, record.content_hash(), [photo_key(link, archived.url) for link in links])]


def _commit_read(run: CrawlRun, results: list[_ReadResult]) -> None:
    orphans = []
    with run.state as state:
        for page, content_hash, urls in results:
            state.mark_read(page.number, content_hash)
            if run.config.images:
                orphans += state.photos.set_recipe(page.number, urls)
            run.counts["new"] += page.content_hash is None
            run.counts["changed"] += page.content_hash not in {None, content_hash}
    run.remove_files(orphans)


def _conditions(page: PageRow) -> dict[str, str]:
    if page.content_hash is None:
        return {}
    conditions = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
    return {name: value for name, value in conditions.items() if value}
