"""Records of layer1.json become recipes in the common schema, a batch at a time.

Columns in, columns out: texts that need no cleaning stay in Arrow, where one look tells which
they are, and only ingredient lines are taken apart one by one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import Int32Array
from mmpipeline.schemas import RECIPE_SCHEMA, SPLITS, Ingredient
from mmpipeline.sources.recipe1m.cleaning import IngredientList, clean_dump_text, read_ingredients
from mmpipeline.sources.recipe1m.json.blocks import RawBatch
from mmpipeline.sources.recipe1m.json.records import Problem
from mmpipeline.text.language import detect_language

_USABLE_ID = re.compile(r"[^\s\x00-\x1f\ud800-\udfff]{1,64}")
_USABLE_URL = re.compile(r"https?://[^\s\x00-\x1f]{1,2000}")
_LANGUAGE_SAMPLE = 4000
# Whatever `clean_dump_text` might change.
_MAYBE_DIRTY = r"[^\x20-\x7e]|[&\\%]|  |^ | $|^$"
_LINE_FIELDS = ("text", "name", "quantity", "quantity_max", "unit", "group")


@dataclass(slots=True)
class RecipeBatch:
    """Recipes without photos, and what was wrong with their records.

    Attributes
    ----------
    table
        `RECIPE_SCHEMA`; `images` is empty.
    offsets
        Place of each recipe's record in the file, in bytes.
    problems
        Row, field, reason and detail of what became missing or was repaired, in order of rows.
    withheld
        Place, reason and detail of the records that became no recipe.
    """

    table: pa.Table
    offsets: list[int]
    problems: list[tuple[int, str, str, str]] = field(default_factory=list)
    withheld: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records they were."""
        return len(self.offsets) + len(self.withheld)


def is_usable_id(source_id: str) -> bool:
    """Tell whether a record can be kept under this id."""
    return _USABLE_ID.fullmatch(source_id) is not None


def convert_batch(batch: RawBatch) -> RecipeBatch:
    """Clean and sort the fields of records.

    Parameters
    ----------
    batch
        As parsed.

    Returns
    -------
    RecipeBatch
        Records without a usable id are withheld.
    """
    raw, offsets, problems = batch.table, batch.offsets, batch.problems
    withheld = list(batch.withheld)
    ids = raw["id"].to_pylist()
    usable = [source_id is not None and is_usable_id(source_id) for source_id in ids]
    if not all(usable):
        kept = [row for row, is_kept in enumerate(usable) if is_kept]
        bad = [row for row, is_kept in enumerate(usable) if not is_kept]
        withheld += [(offsets[row], "missing_id", repr(ids[row])) for row in bad]
        problems = {new: problems[old] for new, old in enumerate(kept) if old in problems}
        raw, offsets = raw.take(pa.array(kept, pa.int64())), [offsets[row] for row in kept]
    columns = _Columns(raw, problems)
    return RecipeBatch(columns.make_table(), offsets, columns.problems, sorted(withheld))


class _Columns:
    """The columns of a batch on their way."""

    def __init__(self, raw: pa.Table, found: dict[int, list[Problem]]) -> None:
        self.problems: list[tuple[int, str, str, str]] = []
        self._raw = raw
        self._found = found
        self._titles = _clean(_one_array(raw["title"]))
        steps, ends = _texts_of(raw["instructions"])
        self._steps, self._step_ends, self._empty_steps = _drop_empty(_clean(steps), ends)

    def make_table(self) -> pa.Table:
        rows = self._raw.num_rows
        lists, partitions, urls, languages = [], [], [], []
        for row, (title, lines, steps, partition, url) in enumerate(self._rows()):
            named = {field for field, _, _ in self._found.get(row, ())}
            self.problems += [(row, *problem) for problem in self._found.get(row, ())]
            read = read_ingredients(lines)
            partitions.append(partition if partition in SPLITS else None)
            urls.append(_usable_url(url))
            empty = int(self._empty_steps[row])
            kept = {"title": title, "ingredients": read.ingredients, "instructions": steps}
            found = (*_find_line_problems(read, empty, kept), *_find_field_problems(url, partition))
            for problem in found:
                if problem[0] not in named:
                    self.problems.append((row, *problem))
            texts = [title or "", *(line.text for line in read.ingredients), *steps]
            languages.append(detect_language(" ".join(texts)[:_LANGUAGE_SAMPLE]))
            lists.append(read.ingredients)
        steps_column = pa.ListArray.from_arrays(self._step_ends, self._steps)
        values: dict[str, pa.Array] = {
            "recipe_id": pc.binary_join_element_wise("r1m", _one_array(self._raw["id"]), ":"),
            "source": pa.array(["r1m"] * rows, pa.string()),
            "source_partition": pa.array(partitions, pa.string()),
            "language": pa.array(languages, pa.string()),
            "title": self._titles,
            "ingredients": _ingredient_column(lists),
            "instructions": steps_column,
            "url": pa.array(urls, pa.string()),
        }
        return pa.table(
            [_column(values, field, rows) for field in RECIPE_SCHEMA], schema=RECIPE_SCHEMA
        )

    def _rows(self) -> Iterator[tuple[str | None, list[str], list[str], str | None, str | None]]:
        titles, steps = self._titles.to_pylist(), self._steps.to_pylist()
        flat, ends = _texts_of(self._raw["ingredients"])
        lines, step_ends = flat.to_pylist(), self._step_ends.tolist()
        partitions = self._raw["partition"].to_pylist()
        urls = self._raw["url"].to_pylist()
        line_ends = ends.tolist()
        for row in range(len(titles)):
            yield (
                titles[row],
                lines[line_ends[row] : line_ends[row + 1]],
                steps[step_ends[row] : step_ends[row + 1]],
                partitions[row],
                urls[row],
            )


def _find_line_problems(
    read: IngredientList, empty_steps: int, kept: Mapping[str, object]
) -> Iterator[Problem]:
    for note in read.notes:
        yield "ingredients", "note_line", note
    for line, repair in read.repairs:
        detail = f"{line} -> {repair.quantity:g} ({repair.confidence})"
        yield "ingredients", "fraction_repaired", detail
    for name, count in (("ingredients", read.empty_lines), ("instructions", empty_steps)):
        if count:
            yield name, "empty_line", str(count)
    for name, value in kept.items():
        if not value:
            yield name, "missing", ""


def _find_field_problems(url: str | None, partition: str | None) -> Iterator[Problem]:
    if url and url.strip() and _usable_url(url) is None:
        yield "url", "unusable_url", url
    if partition not in SPLITS:
        yield "partition", "unknown_partition", repr(partition)


def _usable_url(url: str | None) -> str | None:
    stripped = url.strip() if url else ""
    return stripped if _USABLE_URL.fullmatch(stripped) else None


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _texts_of(column: pa.ChunkedArray) -> tuple[pa.Array, Int32Array]:
    """Return the texts of all lists end to end, and where each list starts and ends."""
    if column.num_chunks == 0:
        return pa.array([], pa.string()), np.zeros(1, np.int32)
    lists = _one_array(column)
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return lists.flatten().field("text"), ends


def _clean(texts: pa.Array) -> pa.Array:
    """Clean the texts that may need it."""
    is_dirty = pc.match_substring_regex(texts, _MAYBE_DIRTY).fill_null(False)
    if not is_dirty.true_count:
        return texts
    cleaned = [clean_dump_text(text) for text in texts.filter(is_dirty).to_pylist()]
    return pc.replace_with_mask(texts, is_dirty, pa.array(cleaned, pa.string()))


def _drop_empty(texts: pa.Array, ends: Int32Array) -> tuple[pa.Array, Int32Array, Int32Array]:
    """Drop nulls; return the texts, the new ends, and the number dropped from each list."""
    if not texts.null_count:
        return texts, ends, np.zeros(len(ends) - 1, np.int32)
    is_valid = texts.is_valid().to_numpy(zero_copy_only=False)
    new_ends = np.concatenate([[0], np.cumsum(is_valid)]).astype(np.int32)[ends]
    return texts.drop_null(), new_ends, np.diff(ends) - np.diff(new_ends)


def _ingredient_column(lists: list[tuple[Ingredient, ...]]) -> pa.Array:
    kind = RECIPE_SCHEMA.field("ingredients").type.value_type
    flat = [line for lines in lists for line in lines]
    arrays = [
        pa.array([getattr(line, name) for line in flat], kind.field(name).type)
        for name in _LINE_FIELDS
    ]
    ends = np.concatenate([[0], np.cumsum([len(lines) for lines in lists])]).astype(np.int32)
    structs = pa.StructArray.from_arrays(arrays, fields=list(kind))
    return pa.ListArray.from_arrays(ends, structs)


def _column(values: dict[str, pa.Array], column: pa.Field, rows: int) -> pa.Array:
    if column.name in values:
        return values[column.name]
    if pa.types.is_list(column.type):
        empty = pa.array([], column.type.value_type)
        return pa.ListArray.from_arrays(np.zeros(rows + 1, np.int32), empty)
    return pa.nulls(rows, column.type)
