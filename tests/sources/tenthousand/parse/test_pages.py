"""Pages read ahead come in order, and only those that must be read are."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.config import ScrapeConfig
from mmpipeline.parallel import Workers
from mmpipeline.sources.tenthousand.crawl.run import crawl_site
from mmpipeline.sources.tenthousand.page.recipe_page import UnreadablePage
from mmpipeline.sources.tenthousand.parse.pages import PageReading, read_ahead, read_archived
from mmpipeline.sources.tenthousand.parse.previous import ParsedPage, Step
from mmpipeline.sources.tenthousand.store.state import ReadablePage
from mmpipeline.sources.tenthousand.store.store import ARCHIVE_FOLDER, read_state
from tests.sources.tenthousand.local_site import Site, fill_site


class Counting(ThreadPoolExecutor):
    submitted = 0

    def submit(self, fn: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        self.submitted += 1
        return super().submit(fn, *args, **kwargs)


def held(number: int) -> ParsedPage:
    return ParsedPage(
        number=number,
        content_hash="x",
        categories=[],
        photo_keys=[],
        photo_sha256s=[],
        missing_fields=[],
        recipes=1,
        findings=0,
        quarantined=0,
        photos=0,
    )


@pytest.fixture
def archived(site: Site, tmp_path: Path) -> tuple[Path, list[ReadablePage]]:
    fill_site(site, list(range(1, 101)))
    config = ScrapeConfig(base_url=site.url, pace_s=0, allow_loopback=True, required_field_bound=1)
    crawl_site(tmp_path, config, None)
    with read_state(tmp_path) as state:
        return tmp_path / ARCHIVE_FOLDER, list(state.pages_with_content())


def test_pages_come_in_order_and_what_is_held_is_not_read(
    archived: tuple[Path, list[ReadablePage]],
) -> None:
    archive, pages = archived
    assert len(pages) == 100
    steps = [
        (page, Step((), held(page.number) if 10 <= place < 64 else None))
        for place, page in enumerate(pages)
    ]
    alone = list(read_ahead(steps, archive))
    with Counting(3) as executor:
        shared = list(read_ahead(steps, archive, Workers(executor, 3)))
        assert executor.submitted == 3  # of four chunks one is held whole
    assert alone == shared
    assert [page for page, _, _ in alone] == pages
    for place, (page, _, outcome) in enumerate(alone):
        if 10 <= place < 64:
            assert isinstance(outcome, ParsedPage)
        else:
            assert isinstance(outcome, PageReading)
            assert outcome.url.endswith(f"/recipe/{page.number}")


def test_no_more_is_read_ahead_than_there_are_hands_for(
    archived: tuple[Path, list[ReadablePage]],
) -> None:
    archive, pages = archived
    taken = []

    def steps() -> Iterator[tuple[ReadablePage, Step]]:
        for page in pages * 4:
            taken.append(page)
            yield page, Step((), None)

    with ThreadPoolExecutor(1) as executor:
        some = read_ahead(steps(), archive, Workers(executor, 1))
        next(some)
        assert len(taken) == 64
        some.close()


def test_a_page_that_cannot_be_had_back_is_noted(
    archived: tuple[Path, list[ReadablePage]],
) -> None:
    archive, pages = archived
    (segment,) = archive.iterdir()
    segment.write_bytes(segment.read_bytes()[:20])
    for reading in read_archived(archive, pages[:2]):
        assert isinstance(reading.record, UnreadablePage)
        assert reading.record.reason == "archive_damaged"
        assert reading.url == ""
