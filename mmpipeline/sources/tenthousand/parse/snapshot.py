"""The parse of a snapshot of the page archive into recipes, without a single request.

Parsing can be repeated after a change to the parser, and takes over from an earlier parse what did
not change. It streams page by page in order of recipe number, so memory does not grow with the
crawl, and reads pages where there are hands for it. A site that changed its layout shows as a field
that nearly every recipe has and suddenly too few pages give: then nothing is written that a later
stage would take for an answer.
"""

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mmpipeline.config.sources import ParseConfig
from mmpipeline.errors import LayoutChangedError, StageError
from mmpipeline.parallel.workers import Workers
from mmpipeline.progress import Progress
from mmpipeline.schemas import (
    QUARANTINE_SCHEMA,
    RECIPE_SCHEMA,
    QuarantineRow,
    Recipe,
)
from mmpipeline.sources.tenthousand.page.recipe_page import (
    REQUIRED_FIELDS,
    SOURCE,
    UnreadablePage,
)
from mmpipeline.sources.tenthousand.page.urls import RECIPE_ID_PREFIX, is_loopback
from mmpipeline.sources.tenthousand.parse.details import DETAIL_SCHEMA, detail_row
from mmpipeline.sources.tenthousand.parse.pages import PageReading, read_ahead
from mmpipeline.sources.tenthousand.parse.previous import (
    PAGES_NAME,
    PAGES_SCHEMA,
    EarlierParse,
    ParsedPage,
)
from mmpipeline.sources.tenthousand.store.photo_files import photo_key
from mmpipeline.sources.tenthousand.store.photos import StoredPhoto
from mmpipeline.sources.tenthousand.store.state import CrawlState, ReadablePage
from mmpipeline.sources.tenthousand.store.store import ARCHIVE_FOLDER, read_state
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import ParquetSink

LAYOUT_MIN_PAGES = 20
_SUMMED = ("recipes", "findings", "photos")


def parse_snapshot(
    store: Path,
    target: Path,
    layout: DataLayout,
    config: ParseConfig,
    earlier: Path | None = None,
    workers: Workers | None = None,
) -> dict[str, float]:
    """Parse every recipe page in the archive.

    Parameters
    ----------
    store
        The scraper's store.
    target
        Folder that gets ``recipes.parquet``, ``details.parquet``, ``quarantine.parquet`` and
        ``pages.parquet``.
    layout
        The data folder, which photo paths are stored relative to.
    config
        Bounds.
    earlier
        An artifact that the same code made from this store; rows of pages that did not change
        are taken from it. The result is the same without it.
    workers
        That read pages, and see the store at the same path; None reads them here. Changes no
        result.

    Returns
    -------
    dict of str to float
        ``pages``, ``parsed`` (those not taken from `earlier`), ``recipes``, ``quarantined`` (pages
        withheld), ``findings`` (rows about single fields), ``photos`` (files that recipes point
        to).

    Raises
    ------
    ArtifactError
        If the store holds no crawl state.
    LayoutChangedError
        If too many pages lack a field that every recipe has.
    StageError
        If there is no page to parse.
    """
    counts: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    with (
        read_state(store) as state,
        ParquetSink(target / "recipes.parquet", RECIPE_SCHEMA) as recipes,
        ParquetSink(target / "details.parquet", DETAIL_SCHEMA) as details,
        ParquetSink(target / "quarantine.parquet", QUARANTINE_SCHEMA) as quarantine,
        ParquetSink(target / PAGES_NAME, PAGES_SCHEMA) as noted,
        Progress("parse pages", state.count_with_content(), "page") as progress,
    ):
        known = EarlierParse(earlier, (recipes, details, quarantine))
        steps = ((page, known.look(page, state.photos)) for page in state.pages_with_content())
        for page, step, done in read_ahead(steps, store / ARCHIVE_FOLDER, workers):
            known.take(step)
            if isinstance(done, PageReading):
                done, rows = _describe_page(store, page, done, state, layout)
                counts["parsed"] += 1
                for sink, some in zip((recipes, details, quarantine), rows, strict=True):
                    for row in some:
                        sink.append(row)
            noted.append(asdict(done))
            missing.update(done.missing_fields)
            counts["pages"] += 1
            progress.update()
            counts.update({name: getattr(done, name) for name in _SUMMED})
        known.flush()
    check_layout(missing, counts["pages"], config.required_field_bound)
    if counts["pages"] == 0:
        raise StageError(f"{store} holds no recipe page yet; run the scraper first")
    counts["quarantined"] = counts["pages"] - counts["recipes"]
    return {name: float(counts[name]) for name in ("pages", "parsed", "quarantined", *_SUMMED)}


def check_layout(missing: Counter[str], pages: int, bound: float) -> None:
    """Refuse a set of pages of which too many lack a field that every recipe has.

    Parameters
    ----------
    missing
        Pages that lack a field, by field.
    pages
        Pages in all; fewer than `LAYOUT_MIN_PAGES` prove nothing.
    bound
        Share of pages that may lack one field.

    Raises
    ------
    LayoutChangedError
        Naming the field and the selector that matched nothing.
    """
    if pages < LAYOUT_MIN_PAGES:
        return
    for name, selector in REQUIRED_FIELDS.items():
        if missing[name] > bound * pages:
            raise LayoutChangedError(
                f"{missing[name]} of {pages} pages have no {name}: selector '{selector}' matched "
                f"nothing there (at most {bound:.0%} may lack it); the site's layout has changed, "
                "or raise parse.required_field_bound"
            )


Rows = list[dict[str, Any]]


def _describe_page(
    store: Path,
    page: ReadablePage,
    reading: PageReading,
    state: CrawlState,
    layout: DataLayout,
) -> tuple[ParsedPage, tuple[Rows, Rows, Rows]]:
    """Return what is to be noted of a page, and its recipe, detail and quarantine rows."""

    def note(reason: str, detail: str, field: str | None = None) -> QuarantineRow:
        return QuarantineRow(
            source=SOURCE,
            place=f"/recipe/{page.number} {page.content_hash}",  # the same in every store
            reason=reason,
            recipe_id=f"{RECIPE_ID_PREFIX}{page.number}",
            field=field,
            detail=detail,
        )

    record = reading.record
    if isinstance(record, UnreadablePage):
        return _note_unreadable(page), ([], [], [note(record.reason, record.detail).to_row()])
    keys = [photo_key(image.url or "", reading.url) for image in record.recipe.images]
    kept = [state.photos.find(key) for key in keys]
    record = replace(record, recipe=_with_photos(record.recipe, kept, store, layout))
    photos = {
        image.id: photo
        for image, photo in zip(record.recipe.images, kept, strict=True)
        if photo is not None
    }
    rows = [note(item.reason, item.detail, item.field).to_row() for item in record.findings]
    noted = ParsedPage(
        number=page.number,
        content_hash=page.content_hash,
        categories=list(page.categories),
        photo_keys=keys,
        photo_sha256s=[photo.sha256 if photo else None for photo in kept],
        missing_fields=list(record.missing_fields),
        recipes=1,
        findings=sum(row["field"] is not None for row in rows),
        quarantined=len(rows),
        photos=sum(photo is not None for photo in kept),
    )
    return noted, ([record.recipe.to_row()], [detail_row(record, photos)], rows)


def _note_unreadable(page: ReadablePage) -> ParsedPage:
    return ParsedPage(
        number=page.number,
        content_hash=page.content_hash,
        categories=list(page.categories),
        photo_keys=[],
        photo_sha256s=[],
        missing_fields=list(REQUIRED_FIELDS),
        recipes=0,
        findings=0,
        quarantined=1,
        photos=0,
    )


def _with_photos(
    recipe: Recipe, kept: list[StoredPhoto | None], store: Path, layout: DataLayout
) -> Recipe:
    """Return a recipe whose images say where their files lie."""
    images = [
        replace(
            image,
            url=_lasting(image.url),
            path=layout.relative(store / photo.file) if photo else None,
            sha256=photo.sha256 if photo else None,
        )
        for image, photo in zip(recipe.images, kept, strict=True)
    ]
    return replace(recipe, images=tuple(images), url=_lasting(recipe.url))


def _lasting(url: str | None) -> str | None:
    """Return an address that outlives the run; a port of this machine does not."""
    return None if is_loopback(url or "") else url
