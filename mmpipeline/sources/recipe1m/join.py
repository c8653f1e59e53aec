"""The join of recipes with other files: photos, class, detected ingredient names.

Also where a recipe is told from its duplicates, and where every finding is counted and written
down. Runs in one process over batches in file order, so that the first of equal ids is the one
that the file holds first.
"""

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mmpipeline.arrays import Int64Array
from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.errors import InputError
from mmpipeline.schemas import RECIPE_SCHEMA, QuarantineRow
from mmpipeline.sources.recipe1m.classes import RecipeClasses
from mmpipeline.sources.recipe1m.convert import RecipeBatch
from mmpipeline.sources.recipe1m.detected import write_detected
from mmpipeline.sources.recipe1m.filters import find_filtered, read_removed_ids
from mmpipeline.sources.recipe1m.folder import DumpFolder
from mmpipeline.sources.recipe1m.ids import SeenIds
from mmpipeline.sources.recipe1m.images import ImageLists
from mmpipeline.sources.recipe1m.json.records import RawImage
from mmpipeline.sources.recipe1m.photos import Photo, PhotoFolder, PhotoState
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import ParquetSink

_SMALL_DUMP = 10
_PHOTO_COUNTS: dict[PhotoState, str] = {
    "present": "photos",
    "missing": "photos_missing",
    "undecodable": "photos_undecodable",
}
_COUNTED_PROBLEMS = {"fraction_repaired": "fractions_repaired", "note_line": "note_lines"}
_IMAGES = RECIPE_SCHEMA.field("images")


@dataclass(frozen=True, slots=True)
class _Finding:
    offset: int
    recipe_id: str | None
    problem: tuple[str | None, str, str]  # field, reason, detail


class RecipeJoiner:
    """Puts photos and classes to recipes, drops duplicates, and writes down what was wrong."""

    def __init__(
        self,
        dump: DumpFolder,
        lists: list[ImageLists],
        pool: ThreadPoolExecutor,
        quarantine: ParquetSink,
        config: Recipe1MConfig,
    ) -> None:
        self._dump = dump
        self._lists = lists
        self._pool = pool
        self._quarantine = quarantine
        self._config = config
        self._photos = PhotoFolder(
            dump.folder, config.max_image_bytes, config.max_pixels, config.check_images
        )
        self._classes = RecipeClasses(dump.classes)
        self._removed = read_removed_ids(dump.removed if config.standard_filter else None)
        self._seen = SeenIds()
        self._listed = 0
        names = ("records", "recipes", "withheld", "duplicates", "fields_missing", "quarantined")
        photos = ("photos", "photos_missing", "photos_undecodable", "recipes_with_photo")
        languages = ("language_ko", "language_en", "language_other")
        rest = ("image_lists_without_recipe", "recipes_with_class", "detected")
        repairs = _COUNTED_PROBLEMS.values()
        every = (*names, *photos, *languages, *rest, *repairs)
        self.counts: Counter[str] = Counter(dict.fromkeys(every, 0))
        for image_list in lists:
            for place, reason, detail in image_list.bad_spans:
                self._write(place, None, ("images", reason, detail))

    def join(self, batch: RecipeBatch, layout: DataLayout) -> pa.Table:
        """Finish a batch of recipes.

        Parameters
        ----------
        batch
            As converted, in file order.
        layout
            What photo paths are stored relative to.

        Returns
        -------
        pyarrow.Table
            The recipes to keep, with photos and classes.
        """
        self.counts["records"] += batch.records
        ids: list[str] = batch.table["recipe_id"].to_pylist()
        is_new = self._seen.add(ids)
        findings = [
            _Finding(offset, None, (None, reason, detail))
            for offset, reason, detail in batch.withheld
        ]
        for row in np.flatnonzero(~is_new).tolist():
            self.counts["duplicates"] += 1
            duplicate = (None, "duplicate_id", ids[row][4:])
            findings.append(_Finding(batch.offsets[row], ids[row], duplicate))
        self.counts["withheld"] += len(findings)
        kept = np.flatnonzero(is_new)
        photos, undecodable = self._find_photos(batch, kept, layout)
        for row, field, reason, detail in (*batch.problems, *undecodable):
            if is_new[row]:
                counter = _COUNTED_PROBLEMS.get(reason, "fields_missing")
                self.counts[counter] += reason != "empty_line"
                findings.append(_Finding(batch.offsets[row], ids[row], (field, reason, detail)))
        table = self._finish(batch.table.take(pa.array(kept)), photos)
        filtered = find_filtered(table, self._removed, self._config)
        for reason, is_dropped in filtered.items():
            self.counts[reason] += int(is_dropped.sum())
            findings += [
                _Finding(batch.offsets[row], ids[row], (None, reason, ""))
                for row in kept[is_dropped].tolist()
            ]
        for finding in sorted(findings, key=lambda finding: finding.offset):
            place = f"{self._dump.layer1.name}@{finding.offset}"
            self._write(place, finding.recipe_id, finding.problem)
        if filtered:
            table = table.filter(pa.array(~np.any(list(filtered.values()), axis=0)))
        self._count(table)
        return table

    def _count(self, table: pa.Table) -> None:
        self.counts["recipes"] += table.num_rows
        for entry in table["language"].value_counts().to_pylist():
            self.counts[f"language_{entry['values']}"] += entry["counts"]

    def _finish(self, table: pa.Table, photos: pa.Array) -> pa.Table:
        place = table.schema.get_field_index("images")
        table = table.set_column(place, _IMAGES, photos)
        if not len(self._classes):
            return table
        names = [self._classes.find(recipe_id[4:]) for recipe_id in table["recipe_id"].to_pylist()]
        self.counts["recipes_with_class"] += sum(name is not None for name in names)
        place = table.schema.get_field_index("dish_name")
        return table.set_column(place, RECIPE_SCHEMA.field(place), pa.array(names, pa.string()))

    def _find_photos(
        self, batch: RecipeBatch, kept: Int64Array, layout: DataLayout
    ) -> tuple[pa.Array, list[tuple[int, str, str, str]]]:
        """Return the photos of the kept rows, and the problems with them by row."""
        if not self._lists:
            return _photo_column([[] for _ in kept]), []
        ids = batch.table["recipe_id"].to_pylist()
        partitions = batch.table["source_partition"].to_pylist()
        started = [(row, self._start(ids[row][4:], partitions[row])) for row in kept.tolist()]
        problems: list[tuple[int, str, str, str]] = []
        columns = []
        for row, pending in started:
            photos = []
            for raw, future in pending:
                photo = future.result()
                self.counts[_PHOTO_COUNTS[photo.state]] += 1
                if photo.state == "undecodable":
                    detail = f"{raw.id}: {photo.detail}"
                    problems.append((row, "images", "undecodable_image", detail))
                path = layout.relative(photo.path) if photo.path else None
                photos.append({"id": raw.id, "url": raw.url, "path": path, "sha256": photo.sha256})
            self.counts["recipes_with_photo"] += any(photo["path"] for photo in photos)
            columns.append(photos)
        return _photo_column(columns), problems

    def _start(self, source_id: str, partition: str | None) -> list[tuple[RawImage, Future[Photo]]]:
        images: dict[str, RawImage] = {}
        for image_list in self._lists:
            listed = image_list.find(source_id)
            self._listed += bool(listed)
            for image in listed:
                images.setdefault(image.id, image)
        return [
            (image, self._pool.submit(self._photos.check, image.id, partition))
            for image in images.values()
        ]

    def add_detected(self, detected: Path, target: Path) -> None:
        """Write the detected ingredient names beside the recipes."""
        rows, findings = write_detected(detected, target, self._config.max_record_bytes)
        self.counts["detected"] = rows
        for place, recipe_id, reason, detail in findings:
            self._write(place, recipe_id, ("detected", reason, detail))

    def check_yield(self) -> None:
        """Refuse a result of which too much is missing.

        Raises
        ------
        InputError
            If more than the config's share of the records was withheld.
        """
        listed = sum(len(image_list) for image_list in self._lists)
        self.counts["image_lists_without_recipe"] = max(0, listed - self._listed)
        records, withheld = self.counts["records"], self.counts["withheld"]
        limit = self._config.max_quarantined_fraction
        is_too_much = records >= _SMALL_DUMP and withheld > limit * records
        if self.counts["recipes"] == 0 or is_too_much:
            raise InputError(
                f"{self._dump.layer1}: {withheld} of {records} records are unusable, the limit is "
                f"{limit:.0%}; check that this is Recipe1M's layer1.json, or raise "
                "recipe1m.max_quarantined_fraction"
            )

    def _write(
        self, place: str, recipe_id: str | None, problem: tuple[str | None, str, str]
    ) -> None:
        field, reason, detail = problem
        self.counts["quarantined"] += 1
        row = QuarantineRow(
            source="r1m",
            place=place,
            reason=reason,
            recipe_id=recipe_id,
            field=field,
            detail=_printable(detail),
        )
        self._quarantine.append(row.to_row())


def _photo_column(photos: list[list[dict[str, str | None]]]) -> pa.Array:
    return pa.array(photos, _IMAGES.type)


def _printable(detail: str) -> str:
    """Cut and make a detail fit for a UTF-8 table."""
    return detail[:200].encode("utf-8", "replace").decode()
