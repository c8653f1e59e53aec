"""The previous parse, from which what cannot have changed is taken over.

A page's rows follow from its content, its categories and which of its photos are kept.
``pages.parquet`` notes these for every page; where all agree, the rows are copied as they are, at
a hundredth of the cost. The earlier parse must have been made by the same code: its artifact's
source digest says so, and whoever names it here has compared.

Both parses run through the pages by number, so the earlier one is streamed beside the new one
and memory stays bounded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.sources.tenthousand.store.photos import PhotoTable
from mmpipeline.sources.tenthousand.store.state import ReadablePage
from mmpipeline.storage.parquet import ParquetSink

PAGES_NAME = "pages.parquet"
COPIED_NAMES = ("recipes.parquet", "details.parquet", "quarantine.parquet")
PAGES_SCHEMA = pa.schema([
    pa.field("number", pa.int64(), nullable=False),
    pa.field("content_hash", pa.string()),  # of all on the page that is not noise
    pa.field("categories", pa.list_(pa.string()), nullable=False),
    pa.field("photo_keys", pa.list_(pa.string()), nullable=False),
    pa.field("photo_sha256s", pa.list_(pa.string()), nullable=False),  # null: not kept
    pa.field("missing_fields", pa.list_(pa.string()), nullable=False),
    pa.field("recipes", pa.int32(), nullable=False),  # rows of recipes and details: 0 or 1
    pa.field("findings", pa.int32(), nullable=False),  # rows of the quarantine, with a field
    pa.field("quarantined", pa.int32(), nullable=False),  # and all of them
    pa.field("photos", pa.int32(), nullable=False),  # images with a kept file
])
"""One row a page that was parsed, by number."""
BATCH_ROWS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPage:
    """What was noted of a page's parse; one row of `PAGES_SCHEMA`."""

    number: int
    content_hash: str | None
    categories: list[str]
    photo_keys: list[str]
    photo_sha256s: list[str | None]
    missing_fields: list[str]
    recipes: int
    findings: int
    quarantined: int
    photos: int

    def still_holds(self, page: ReadablePage, photos: PhotoTable) -> bool:
        """Return whether parsing the page now would give the same rows.

        Parameters
        ----------
        page
            As the crawl state has it now.
        photos
            The kept photos.
        """
        if page.content_hash is None or self.content_hash != page.content_hash:
            return False
        if self.categories != list(page.categories):
            return False
        found = (photos.find(key) for key in self.photo_keys)
        return self.photo_sha256s == [photo.sha256 if photo else None for photo in found]


@dataclass(frozen=True, slots=True)
class Step:
    """How an earlier parse goes on for one page.

    Attributes
    ----------
    passed
        Earlier pages whose rows are left out.
    held
        What was noted of the page, if its rows still hold; None when it must be parsed.
    """

    passed: tuple[ParsedPage, ...]
    held: ParsedPage | None


class EarlierParse:
    """An earlier parse, read beside the new one.

    Parameters
    ----------
    folder
        A recipe artifact of the same code; None when there is none.
    sinks
        Where rows are copied to, in the order of `COPIED_NAMES`.
    """

    def __init__(self, folder: Path | None, sinks: Sequence[ParquetSink]) -> None:
        has_pages = folder is not None and (folder / PAGES_NAME).is_file()
        self._pages = _read_pages(folder / PAGES_NAME) if folder and has_pages else iter(())
        self._copiers = [
            _Copier(folder / name, sink)
            for name, sink in zip(COPIED_NAMES, sinks, strict=True)
            if folder and has_pages
        ]
        self._next = next(self._pages, None)

    def look(self, page: ReadablePage, photos: PhotoTable) -> Step:
        """Say whether a page's rows still hold; nothing is copied yet.

        Parameters
        ----------
        page
            The page; its number above that of the page before.
        photos
            The kept photos.

        Returns
        -------
        Step
            For `take`, in the order of the pages.
        """
        passed = []
        while self._next is not None and self._next.number < page.number:
            passed.append(self._next)
            self._next = next(self._pages, None)
        earlier = self._next
        if earlier is None or earlier.number != page.number:
            return Step(tuple(passed), None)
        self._next = next(self._pages, None)
        if not earlier.still_holds(page, photos):
            return Step((*passed, earlier), None)
        return Step(tuple(passed), earlier)

    def take(self, step: Step) -> None:
        """Copy the rows of a page that still holds; else hand over, so that its new rows follow."""
        for page in step.passed:
            for copier, rows in zip(self._copiers, _rows_of(page), strict=True):
                copier.skip(rows)
        if step.held is None:
            self.flush()
            return
        for copier, rows in zip(self._copiers, _rows_of(step.held), strict=True):
            copier.copy(rows)

    def flush(self) -> None:
        """Hand over what was copied, so that other rows may follow."""
        for copier in self._copiers:
            copier.flush()


def _rows_of(page: ParsedPage) -> tuple[int, int, int]:
    return page.recipes, page.recipes, page.quarantined


def _read_pages(path: Path) -> Iterator[ParsedPage]:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            for row in batch.to_pylist():
                yield ParsedPage(**row)


class _Copier:
    """Copies runs of rows from a file, read batch by batch, to a sink."""

    def __init__(self, path: Path, sink: ParquetSink) -> None:
        self._sink = sink
        self._batches = self._read(path)
        self._batch: pa.RecordBatch | None = None
        self._start = self._stop = 0  # the run that is not yet handed over, within the batch

    @staticmethod
    def _read(path: Path) -> Iterator[Any]:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from file.iter_batches(BATCH_ROWS)

    def copy(self, rows: int) -> None:
        """Copy the next rows."""
        while rows:
            part = min(rows, self._rows_left())
            self._stop += part
            rows -= part

    def skip(self, rows: int) -> None:
        """Leave the next rows out."""
        while rows:
            left = self._rows_left()
            self.flush()
            part = min(rows, left)
            self._start = self._stop = self._stop + part
            rows -= part

    def flush(self) -> None:
        """Hand the run over."""
        if self._batch is not None and self._stop > self._start:
            run = self._batch.slice(self._start, self._stop - self._start)
            self._sink.write_table(pa.Table.from_batches([run]))
        self._start = self._stop

    def _rows_left(self) -> int:
        """Return how many rows of the batch are left, at least one; reads on when none is."""
        while self._batch is None or self._stop == self._batch.num_rows:
            self.flush()
            self._batch = next(self._batches)
            self._start = self._stop = 0
        return int(self._batch.num_rows) - self._stop
