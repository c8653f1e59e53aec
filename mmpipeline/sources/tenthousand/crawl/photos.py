"""Visits of photos of all pages that were read, as polite as those of pages."""

from urllib.parse import urljoin, urlsplit

from mmpipeline.errors import ImageError
from mmpipeline.progress import Progress
from mmpipeline.sources.tenthousand.crawl.session import CrawlRun
from mmpipeline.sources.tenthousand.store.photo_files import keep_photo
from mmpipeline.web.failures import RequestFailedError


def fetch_photos(run: CrawlRun) -> None:
    """Fetch the photos of all pages that were read, oldest entry first."""
    total = run.state.photos.count("todo")
    with Progress("fetch photos", total, "photo") as progress:
        while run.has_time and (entry := run.state.photos.next()):
            _fetch_photo(run, entry[0])
            progress.update()


def fetch_photos_meanwhile(run: CrawlRun, host: str) -> None:
    """Fetch photos of other hosts that may be asked before a host may be asked again."""
    pacer = run.fetcher.pacer
    while run.config.images and run.has_time and (entry := run.state.photos.next()):
        other = urlsplit(urljoin(run.config.base_url, entry[0])).netloc
        if other == host or pacer.ready_at(other) >= pacer.ready_at(host):
            return
        _fetch_photo(run, entry[0])


def _fetch_photo(run: CrawlRun, key: str) -> None:
    url = urljoin(run.config.base_url, key)
    try:
        if urlsplit(url).hostname in run.fetcher.allowed_hosts and not run.robots.allows(url):
            raise RequestFailedError("blocked_robots", url)
        response = run.fetcher.fetch(url, max_bytes=run.config.max_image_bytes)
        if response.status != 200:
            raise RequestFailedError(f"status_{response.status}", url)
        photo = keep_photo(run.store, response.body)
    except RequestFailedError as failure:
        _fail_photo(run, key, failure.reason, is_final=failure.is_permanent)
    except ImageError:
        _fail_photo(run, key, "not_a_photo", is_final=True)
    else:
        run.counts["photos"] += 1
        with run.state as state:
            state.photos.mark_done(key, photo, response.fetched_at)


def _fail_photo(run: CrawlRun, key: str, reason: str, *, is_final: bool) -> None:
    run.failed[f"photo_{reason}"] += 1
    is_final = is_final or reason in {"status_404", "status_410", "status_403"}
    with run.state as state:
        state.photos.mark_failed(key, reason, is_final=is_final)
