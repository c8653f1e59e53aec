"""From the page archive to recipes in the common schema, without a single request.

Parsing can be repeated after a change to the parser. It streams page by page in order of recipe
number, so memory does not grow with the crawl. A site that changed its layout shows as a field
that nearly every recipe has and suddenly too few pages give: then nothing is written that a later
stage would take for an answer.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from mmpipeline.config import ParseConfig
from mmpipeline.errors import ArtifactError, LayoutChangedError, StageError
from mmpipeline.schemas import (
    QUARANTINE_SCHEMA,
    RECIPE_SCHEMA,
    QuarantineRow,
)
from mmpipeline.scraping.archive import read_page
from mmpipeline.scraping.details import DETAIL_SCHEMA, detail_row
from mmpipeline.scraping.photo_table import StoredPhoto
from mmpipeline.scraping.photos import photo_key
from mmpipeline.scraping.sites.tenthousand_recipe.recipe_page import (
    REQUIRED_FIELDS,
    SOURCE,
    PageRecord,
    UnreadablePage,
    read_recipe_page,
)
from mmpipeline.scraping.sites.tenthousand_recipe.urls import RECIPE_ID_PREFIX, is_loopback
from mmpipeline.scraping.state import CrawlState, ReadablePage
from mmpipeline.scraping.store import ARCHIVE_FOLDER, read_state
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import ParquetSink

LAYOUT_MIN_PAGES = 20
_MAX_PAGE_BYTES = 64_000_000


def parse_snapshot(
    store: Path, target: Path, layout: DataLayout, config: ParseConfig
) -> dict[str, float]:
    """Parse every recipe page in the archive.

    Parameters
    ----------
    store
        The scraper's store.
    target
        Folder that gets ``recipes.parquet``, ``details.parquet`` and ``quarantine.parquet``.
    layout
        The data folder, which photo paths are stored relative to.
    config
        Bounds.

    Returns
    -------
    dict of str to float
        ``pages``, ``recipes``, ``quarantined`` (pages withheld), ``findings`` (rows about single
        fields), ``photos`` (files that recipes point to).

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
    ):
        pages = state.pages_with_content()
        for page in tqdm(
            pages, total=state.count_with_content(), desc="parse pages",
            unit="page", disable=None, leave=False, ncols=100,
        ):  # fmt: skip
            counts["pages"] += 1
            record, photos, rows = _parse_page(store, page, state, layout)
            for row in rows:
                quarantine.append(row.to_row())
            counts["findings"] += sum(row.field is not None for row in rows)
            if record is None:
                missing.update(list(REQUIRED_FIELDS))
                continue
            missing.update(record.missing_fields)
            counts["photos"] += sum(image.path is not None for image in record.recipe.images)
            counts["recipes"] += 1
            recipes.append(record.recipe.to_row())
            details.append(detail_row(record, photos))
    check_layout(missing, counts["pages"], config.required_field_bound)
    if counts["pages"] == 0:
        raise StageError(f"{store} holds no recipe page yet; run the scraper first")
    counts["quarantined"] = counts["pages"] - counts["recipes"]
    return {name: float(counts[name]) for name in
            ("pages", "recipes", "quarantined", "findings", "photos")}  # fmt: skip


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


def _parse_page(
    store: Path, page: ReadablePage, state: CrawlState, layout: DataLayout
) -> tuple[PageRecord | None, dict[str, StoredPhoto], list[QuarantineRow]]:
    def note(reason: str, detail: str, field: str | None = None) -> QuarantineRow:
        return QuarantineRow(
            source=SOURCE,
            place=f"{page.place.segment}:{page.place.offset}",
            reason=reason,
            recipe_id=f"{RECIPE_ID_PREFIX}{page.number}",
            field=field,
            detail=detail,
        )

    try:
        archived = read_page(store / ARCHIVE_FOLDER, page.place, _MAX_PAGE_BYTES)
    except ArtifactError as error:
        return None, {}, [note("archive_damaged", str(error))]
    record = read_recipe_page(
        archived.body, archived.content_type, archived.url, page.number, categories=page.categories
    )
    if isinstance(record, UnreadablePage):
        return None, {}, [note(record.reason, record.detail)]
    images, photos = [], {}
    for image in record.recipe.images:
        photo = state.photos.find(photo_key(image.url or "", archived.url))
        if photo:
            photos[image.id] = photo
        path = layout.relative(store / photo.file) if photo else None
        # A port of this machine is no address that outlives the run.
        url = None if is_loopback(image.url or "") else image.url
        images.append(replace(image, url=url, path=path, sha256=photo.sha256 if photo else None))
    recipe = replace(record.recipe, images=tuple(images))
    rows = [note(finding.reason, finding.detail, finding.field) for finding in record.findings]
    return replace(record, recipe=recipe), photos, rows
