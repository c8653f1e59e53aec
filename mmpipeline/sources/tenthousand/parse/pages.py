"""The reading of archived pages, the part of a parse that takes the time.

Reading a page needs its bytes and nothing else, so batches of pages may be read by processes
anywhere that see the archive. What needs the crawl state (which photos are kept) and the order of
rows stay with the caller.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mmpipeline.errors import ArtifactError
from mmpipeline.parallel.sharing import SharingExecutor
from mmpipeline.parallel.workers import Workers
from mmpipeline.sources.tenthousand.page.recipe_page import (
    PageRecord,
    UnreadablePage,
    read_recipe_page,
)
from mmpipeline.sources.tenthousand.parse.previous import ParsedPage, Step
from mmpipeline.sources.tenthousand.store.state import ReadablePage
from mmpipeline.web.archive import read_page

_MAX_PAGE_BYTES = 64_000_000
_PAGES_AT_ONCE = 32  # a third of a second of work

Chunk = list[tuple[ReadablePage, Step]]


@dataclass(frozen=True, slots=True)
class PageReading:
    """What one archived page says.

    Attributes
    ----------
    url
        Where it was fetched from; empty when the archive could not be read.
    record
        Its recipe, or why there is none.
    """

    url: str
    record: PageRecord | UnreadablePage


def read_archived(archive: Path, pages: Sequence[ReadablePage]) -> list[PageReading]:
    """Read pages; what workers do.

    Parameters
    ----------
    archive
        Folder of WARC segments.
    pages
        Which ones.

    Returns
    -------
    list of PageReading
        In their order.
    """
    return [_read_one(archive, page) for page in pages]


def read_ahead(
    steps: Iterable[tuple[ReadablePage, Step]], archive: Path, workers: Workers | None = None
) -> Iterator[tuple[ReadablePage, Step, ParsedPage | PageReading]]:
    """Read the pages that must be parsed, some of them before their turn.

    Parameters
    ----------
    steps
        Pages, and what an earlier parse knows of them; taken as far ahead as there are workers.
    archive
        Folder of WARC segments.
    workers
        That read; None reads here.

    Yields
    ------
    page : ReadablePage
        In the order given.
    step : Step
        As given.
    outcome : ParsedPage or PageReading
        What the step holds of it, else what was read.
    """
    lent = workers or Workers(SharingExecutor(1), 1)
    max_in_flight = lent.max_in_flight(1) if workers else 1
    waiting: deque[tuple[Chunk, Future[list[PageReading]]]] = deque()
    remaining = iter(steps)
    try:
        while chunk := list(islice(remaining, _PAGES_AT_ONCE)):
            waiting.append((chunk, _start(chunk, archive, lent)))
            if len(waiting) >= max_in_flight:
                yield from _give(*waiting.popleft())
        while waiting:
            yield from _give(*waiting.popleft())
    finally:
        for _, future in waiting:
            future.cancel()


def _start(chunk: Chunk, archive: Path, lent: Workers) -> Future[list[PageReading]]:
    new = [page for page, step in chunk if step.held is None]
    if new:
        return lent.executor.submit(read_archived, archive, new)
    nothing: Future[list[PageReading]] = Future()
    nothing.set_result([])
    return nothing


def _give(
    chunk: Chunk, future: Future[list[PageReading]]
) -> Iterator[tuple[ReadablePage, Step, ParsedPage | PageReading]]:
    readings = iter(future.result())
    for page, step in chunk:
        yield page, step, step.held or next(readings)


def _read_one(archive: Path, page: ReadablePage) -> PageReading:
    try:
        archived = read_page(archive, page.place, _MAX_PAGE_BYTES)
    except ArtifactError as error:
        return PageReading("", UnreadablePage("archive_damaged", str(error)))
    record = read_recipe_page(
        archived.body, archived.content_type, archived.url, page.number, categories=page.categories
    )
    return PageReading(archived.url, record)
