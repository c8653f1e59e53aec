"""A Recipe1M folder becomes `recipes.parquet` and `quarantine.parquet`.

One pass over layer1.json in file order; photos are left-joined by id and checked in threads, a
batch of recipes at a time, so the output never depends on which thread was faster. Only a record
without a usable id, or that cannot be decoded, is withheld; any other bad field becomes missing
and leaves a row in the quarantine table.

Memory: the ids seen so far (about 100 bytes each, to tell duplicates), 24 bytes for each record
of layer2, and one row group.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from mmpipeline.config import Recipe1MConfig
from mmpipeline.errors import InputError
from mmpipeline.recipe1m.convert import convert_recipe, is_usable_id
from mmpipeline.recipe1m.dump_folder import DumpFolder, digest_dump, open_dump
from mmpipeline.recipe1m.image_lists import ImageLists
from mmpipeline.recipe1m.photos import Photo, PhotoFolder, PhotoState
from mmpipeline.recipe1m.reader import BadSpan, Record, read_array
from mmpipeline.recipe1m.records import Problem, RawImage, RawRecipe, read_loose_recipe
from mmpipeline.schemas import (
    QUARANTINE_SCHEMA,
    RECIPE_SCHEMA,
    QuarantineRow,
    Recipe,
    RecipeImage,
)
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import ParquetSink

__all__ = ["digest_dump", "normalize_dump"]

_BATCH_RECIPES = 256
_SMALL_DUMP = 10
_PHOTO_COUNTS: dict[PhotoState, str] = {
    "present": "photos",
    "missing": "photos_missing",
    "undecodable": "photos_undecodable",
}
_COUNTED_PROBLEMS = {"fraction_repaired": "fractions_repaired", "note_line": "note_lines"}


@dataclass(slots=True)
class _Draft:
    """A recipe on its way, with what is still being found out about it."""

    recipe: Recipe
    problems: list[Problem]
    place: str
    photos: list[tuple[RawImage, Future[Photo]]]


def normalize_dump(
    folder: Path, target: Path, layout: DataLayout, config: Recipe1MConfig
) -> dict[str, float]:
    """Read a Recipe1M folder into the common schema.

    Parameters
    ----------
    folder
        Folder with layer1.json, optionally layer2.json or layer2+.json (each may be ``.gz``), and
        photos under ``images/PARTITION/a/b/c/d/ID``, ``PARTITION/a/b/c/d/ID`` or ``a/b/c/d/ID``.
    target
        Folder that gets `recipes.parquet` and `quarantine.parquet`.
    layout
        The data folder, which stored photo paths are relative to.
    config
        Limits.

    Returns
    -------
    dict of str to float
        Records read, recipes written, records withheld, quarantine rows, photos by state,
        recipes by language, repairs.

    Raises
    ------
    InputError
        If the folder or a file is missing, is no JSON array, is cut, or holds too little that is
        usable.
    """
    dump = open_dump(folder)
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=target)))
        lists = [
            stack.enter_context(closing(ImageLists(path, temporary, config.max_record_bytes)))
            for path in dump.image_lists
        ]
        pool = stack.enter_context(ThreadPoolExecutor(min(8, os.cpu_count() or 1)))
        quarantine = stack.enter_context(
            ParquetSink(target / "quarantine.parquet", QUARANTINE_SCHEMA)
        )
        recipes = stack.enter_context(ParquetSink(target / "recipes.parquet", RECIPE_SCHEMA))
        reader = _Normaliser(dump, lists, pool, quarantine, config)
        progress = tqdm(
            reader.drafts(), desc="recipes", unit="recipe", disable=None, leave=False, ncols=100
        )
        for batch in _batches(progress):
            for draft in batch:
                recipes.append(reader.finish(draft, layout).to_row())
        reader.check_yield(recipes_written=reader.counts["recipes"])
        counts = reader.counts
        counts["quarantined"] = reader.quarantine_rows
    return {name: float(count) for name, count in sorted(counts.items())}


def _batches(drafts: Iterable[_Draft]) -> Iterator[list[_Draft]]:
    """Run ahead by one batch, so that its photos are checked in parallel."""
    iterator = iter(drafts)
    while batch := list(islice(iterator, _BATCH_RECIPES)):
        yield batch


class _Normaliser:
    """Turns records into recipes, and writes down what was wrong."""

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
        self._seen: set[str] = set()
        self._listed = 0
        self.quarantine_rows = 0
        names = ("records", "recipes", "withheld", "duplicates", "fields_missing")
        photos = ("photos", "photos_missing", "photos_undecodable", "recipes_with_photo")
        rest = ("language_ko", "language_en", "language_other", "image_lists_without_recipe")
        repairs = _COUNTED_PROBLEMS.values()
        self.counts: Counter[str] = Counter(dict.fromkeys((*names, *photos, *rest, *repairs), 0))
        for image_list in lists:
            for place, reason, detail in image_list.bad_spans:
                self._note(place, None, ("images", reason, detail))

    def drafts(self) -> Iterator[_Draft]:
        """Yield the recipes of layer1.json that are kept, their photos on the way."""
        items = read_array(
            self._dump.layer1, RawRecipe, max_record_bytes=self._config.max_record_bytes
        )
        for item in items:
            place = f"{self._dump.layer1.name}@{item.offset}"
            self.counts["records"] += 1
            if isinstance(item, BadSpan):
                self._withhold(place, None, item.reason, item.detail)
                continue
            raw, problems = _read_record(item)
            if raw is None or not is_usable_id(raw.id):
                found = "" if raw is None else repr(raw.id)
                self._withhold(place, None, "missing_id", found or problems[0][2])
            elif raw.id in self._seen:
                self.counts["duplicates"] += 1
                self._withhold(place, f"r1m:{raw.id}", "duplicate_id", raw.id)
            else:
                self._seen.add(raw.id)
                yield self._start(raw, problems, place)
        listed = sum(len(image_list) for image_list in self._lists)
        self.counts["image_lists_without_recipe"] = max(0, listed - self._listed)

    def _start(self, raw: RawRecipe, problems: list[Problem], place: str) -> _Draft:
        recipe, found = convert_recipe(raw)
        named = {field for field, _, _ in problems}
        problems += [problem for problem in found if problem[0] not in named]
        images: dict[str, RawImage] = {}
        for image_list in self._lists:
            listed = image_list.find(raw.id)
            self._listed += bool(listed)
            for image in listed:
                images.setdefault(image.id, image)
        photos = [
            (image, self._pool.submit(self._photos.check, image.id, recipe.source_partition))
            for image in images.values()
        ]
        return _Draft(recipe, problems, place, photos)

    def finish(self, draft: _Draft, layout: DataLayout) -> Recipe:
        """Wait for a recipe's photos and count everything."""
        images = []
        for raw, future in draft.photos:
            photo = future.result()
            self.counts[_PHOTO_COUNTS[photo.state]] += 1
            if photo.state == "undecodable":
                detail = f"{raw.id}: {photo.detail}"
                draft.problems.append(("images", "undecodable_image", detail))
            path = layout.relative(photo.path) if photo.path else None
            images.append(RecipeImage(id=raw.id, url=raw.url, path=path, sha256=photo.sha256))
        for problem in draft.problems:
            self._note(draft.place, draft.recipe.recipe_id, problem)
            counter = _COUNTED_PROBLEMS.get(problem[1], "fields_missing")
            self.counts[counter] += problem[1] != "empty_line"
        self.counts["recipes"] += 1
        self.counts[f"language_{draft.recipe.language}"] += 1
        self.counts["recipes_with_photo"] += any(image.path for image in images)
        return replace(draft.recipe, images=tuple(images))

    def check_yield(self, recipes_written: int) -> None:
        """Refuse a result of which too much is missing.

        Raises
        ------
        InputError
            If more than the config's share of the records was withheld.
        """
        records, withheld = self.counts["records"], self.counts["withheld"]
        limit = self._config.max_quarantined_share
        is_too_much = records >= _SMALL_DUMP and withheld > limit * records
        if recipes_written == 0 or is_too_much:
            raise InputError(
                f"{self._dump.layer1}: {withheld} of {records} records are unusable, the limit is "
                f"{limit:.0%}; check that this is Recipe1M's layer1.json, or raise "
                "recipe1m.max_quarantined_share"
            )

    def _withhold(self, place: str, recipe_id: str | None, reason: str, detail: str) -> None:
        self.counts["withheld"] += 1
        self._write(
            QuarantineRow(
                source="r1m",
                place=place,
                reason=reason,
                recipe_id=recipe_id,
                detail=_printable(detail),
            )
        )

    def _note(self, place: str, recipe_id: str | None, problem: Problem) -> None:
        field, reason, detail = problem
        self._write(
            QuarantineRow(
                source="r1m",
                place=place,
                reason=reason,
                recipe_id=recipe_id,
                field=field,
                detail=_printable(detail),
            )
        )

    def _write(self, row: QuarantineRow) -> None:
        self.quarantine_rows += 1
        self._quarantine.append(row.to_row())


def _read_record(record: Record[RawRecipe]) -> tuple[RawRecipe | None, list[Problem]]:
    if record.value is not None:
        return record.value, []
    return read_loose_recipe(record.loose or {})


def _printable(detail: str) -> str:
    """Cut and make a detail fit for a UTF-8 table."""
    return detail[:200].encode("utf-8", "replace").decode()
