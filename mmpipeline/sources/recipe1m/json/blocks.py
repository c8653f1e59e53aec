"""Blocks of a JSON array of recipes, parsed by Arrow's own JSON reader.

Turning Python strings into Arrow columns is where a decoder in Python loses, so a block of some
megabytes goes to Arrow whole. Where it may end is told from a literal: the bytes between two
records up to the first key of the second, as they were seen in the file. The guess is proven by
the parse: the commas at those places are blanked, and a place that lay inside a record would
leave brackets open. A block that does not parse, or that Arrow and the exact reader might read
differently, gives None and is the exact reader's. What stands in a field that nobody asked for
is not looked at: there Arrow takes any depth and any number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json

from mmpipeline.sources.recipe1m.json.decoding import BadSpan, Record
from mmpipeline.sources.recipe1m.json.records import Problem, RawRecipe, read_loose_recipe

_LINES = pa.list_(pa.struct([pa.field("text", pa.string())]))
RAW_SCHEMA = pa.schema([
    pa.field("id", pa.string()),
    pa.field("title", pa.string()),
    pa.field("ingredients", _LINES),
    pa.field("instructions", _LINES),
    pa.field("partition", pa.string()),
    pa.field("url", pa.string()),
])
"""A record of layer1.json as a row."""

_PARSE = pyarrow.json.ParseOptions(
    explicit_schema=RAW_SCHEMA, unexpected_field_behavior="ignore", newlines_in_values=False
)
_SEPARATOR = re.compile(rb'\}[ \t\r\n]*+,[ \t\r\n]*+\{[ \t\r\n]*+"[^"\\]*+"')
_CLOSING = re.compile(rb"\}[ \t\r\n]*+\][ \t\r\n]*+\Z")
_SEARCH_BYTES = 64 << 10
_LONGEST_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class Separator:
    """The bytes between two records, from the first's brace to the second's first key.

    Attributes
    ----------
    found
        As they stand in the file.
    blanked
        The same with the comma blanked: as many bytes, so places stay.
    """

    found: bytes
    blanked: bytes

    @property
    def next_start(self) -> int:
        """Where the second record starts in it."""
        return self.found.index(b"{")


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a file that should hold whole records only.

    Attributes
    ----------
    start, end
        Its first byte, a record's brace, and the byte behind its last.
    next_start
        Where the next block starts; None when this is the last one of the array.
    max_record_bytes
        A block with a longer record is the exact reader's.
    """

    path: Path
    start: int
    end: int
    next_start: int | None
    separator: Separator
    max_record_bytes: int

    def read(self) -> bytes:
        """Read it."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            return file.read(self.end - self.start)


@dataclass(slots=True)
class RawBatch:
    """Records in file order, and what was wrong with them.

    Attributes
    ----------
    table
        `RAW_SCHEMA`.
    offsets
        Place of each row's record in the file, in bytes.
    problems
        By row: the fields that were given up.
    withheld
        Place, reason and detail of what became no row.
    """

    table: pa.Table
    offsets: list[int]
    problems: dict[int, list[Problem]] = field(default_factory=dict)
    withheld: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records or bad spans were read."""
        return len(self.offsets) + len(self.withheld)


def learn_separator(path: Path, record_start: int, record_length: int) -> Separator | None:
    """Learn from the file what lies between a record and the next one.

    Parameters
    ----------
    path
        A plain file.
    record_start, record_length
        A whole record in it, in bytes.

    Returns
    -------
    Separator or None
        None when nothing that separates follows.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(record_start + record_length - 1)
        found = _SEPARATOR.match(file.read(4096))
    if found is None:
        return None
    comma = found[0].index(b",")
    return Separator(found[0], found[0][:comma] + b" " + found[0][comma + 1 :])


def plan_block(
    path: Path, start: int, separator: Separator, block_bytes: int, max_record_bytes: int
) -> Block | None:
    """Find a likely end for the block that starts at a record.

    Parameters
    ----------
    path
        A plain file.
    start
        A record's first byte.
    separator
        What lies between records.
    block_bytes
        Least length; the block ends at the first separator behind it.
    max_record_bytes
        Goes into the block.

    Returns
    -------
    Block or None
        None when no end is near.
    """
    size = path.stat().st_size
    overlap = len(separator.found) - 1
    with path.open("rb", buffering=0) as file:
        position = start + block_bytes
        limit = start + _LONGEST_BLOCKS * block_bytes + _SEARCH_BYTES
        while position < min(size, limit):
            file.seek(position)
            found = file.read(_SEARCH_BYTES + overlap).find(separator.found)
            if found >= 0:
                brace = position + found
                following = brace + separator.next_start
                return Block(path, start, brace + 1, following, separator, max_record_bytes)
            position += _SEARCH_BYTES
        if position < size:
            return None
        file.seek(max(start, size - 4096))
        tail = file.read()
    closing = _CLOSING.search(tail)
    if closing is None:
        return None
    return Block(
        path, start, size - len(tail) + closing.start() + 1, None, separator, max_record_bytes
    )


def parse_block(block: Block, content: bytes | None = None) -> RawBatch | None:
    """Parse a block, proving that its records are whole.

    Parameters
    ----------
    block
        The block.
    content
        Its bytes when they are at hand; None reads them.

    Returns
    -------
    RawBatch or None
        None when anything in it needs the exact reader.
    """
    content = block.read() if content is None else content
    text = content.replace(block.separator.found, block.separator.blanked)
    options = pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    try:
        if not text.isascii():
            text.decode("utf-8")
        table = pyarrow.json.read_json(
            pa.BufferReader(text), read_options=options, parse_options=_PARSE
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    starts = _find_starts(block, content)
    longest = int(np.diff([*starts, block.end]).max())
    is_long = longest > block.max_record_bytes
    if table.num_rows != len(starts) or is_long or _has_empty_lines(table):
        return None
    return RawBatch(table, starts)


def _find_starts(block: Block, content: bytes) -> list[int]:
    step, found = block.separator.next_start, block.separator.found
    starts, position = [block.start], content.find(found)
    while position >= 0:
        starts.append(block.start + position + step)
        position = content.find(found, position + 1)
    return starts


def _has_empty_lines(table: pa.Table) -> bool:
    """Tell whether a line of a list is null or has no text: that is a wrong type."""
    for name in ("ingredients", "instructions"):
        for chunk in table[name].chunks:
            lines = chunk.flatten()
            if lines.null_count or lines.field("text").null_count:
                return True
    return False


def make_batch(items: Sequence[Record[RawRecipe] | BadSpan]) -> RawBatch:
    """Make a batch of what the exact reader found.

    Parameters
    ----------
    items
        In file order.

    Returns
    -------
    RawBatch
        Ill-typed fields are null, with a problem each; records without an id are withheld.
    """
    rows: list[RawRecipe] = []
    batch = RawBatch(RAW_SCHEMA.empty_table(), [])
    for item in items:
        if isinstance(item, BadSpan):
            batch.withheld.append((item.offset, item.reason, item.detail))
            continue
        raw, problems = (item.value, []) if item.value else read_loose_recipe(item.loose or {})
        if raw is None:
            batch.withheld.append((item.offset, *problems[0][1:]))
            continue
        if problems:
            batch.problems[len(rows)] = problems
        rows.append(raw)
        batch.offsets.append(item.offset)
    lists = ("ingredients", "instructions")
    columns = [
        [_plain_lines(row, name) if name in lists else getattr(row, name) for row in rows]
        for name in RAW_SCHEMA.names
    ]
    batch.table = pa.table(columns, schema=RAW_SCHEMA)
    return batch


def _plain_lines(row: RawRecipe, name: str) -> list[dict[str, str]] | None:
    lines = row.ingredients if name == "ingredients" else row.instructions
    return None if lines is None else [{"text": line.text} for line in lines]
