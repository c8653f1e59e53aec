"""Ingredient names that Recipe1M's authors detected, beside our own reading of the lines.

They are kept in a table of their own: other names for the same lines, never a replacement.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from mmpipeline.sources.recipe1m.json.decoding import BadSpan
from mmpipeline.sources.recipe1m.json.reader import read_array
from mmpipeline.sources.recipe1m.json.records import Line
from mmpipeline.storage.parquet import ParquetSink

DETECTED_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("names", pa.list_(pa.string()), nullable=False),
])
"""`detected.parquet`: the names that det_ingrs.json holds for valid, in its order."""

Finding = tuple[str, str | None, str, str]
"""Place, recipe id, reason and detail."""


class _Detected(msgspec.Struct):
    id: str
    valid: list[bool]
    ingredients: list[Line]


def write_detected(path: Path, target: Path, max_record_bytes: int) -> tuple[int, list[Finding]]:
    """Write the detected names of a dump as a table.

    Parameters
    ----------
    path
        A plain det_ingrs.json.
    target
        Parquet file to write (`DETECTED_SCHEMA`).
    max_record_bytes
        A longer record is skipped.

    Returns
    -------
    rows : int
        Records written.
    findings : list of tuple
        What could not be used: undecodable records, ill-typed ones, and those whose flags are not
        as many as their names.

    Raises
    ------
    InputError
        If the file is no JSON array, or ends early.
    """
    findings: list[Finding] = []
    with ParquetSink(target, DETECTED_SCHEMA) as sink:
        for row in _read(path, max_record_bytes, findings):
            sink.append(row)
    return sink.rows_written, findings


def _read(
    path: Path, max_record_bytes: int, findings: list[Finding]
) -> Iterator[dict[str, str | list[str]]]:
    for item in read_array(path, _Detected, max_record_bytes=max_record_bytes, allow_empty=True):
        place = f"{path.name}@{item.offset}"
        if isinstance(item, BadSpan):
            findings.append((place, None, item.reason, item.detail))
        elif item.value is None:
            findings.append((place, None, "wrong_type", str(item.loose)))
        elif len(item.value.valid) != len(item.value.ingredients):
            detail = f"{len(item.value.valid)} flags, {len(item.value.ingredients)} names"
            findings.append((place, f"r1m:{item.value.id}", "unequal_lengths", detail))
        else:
            pairs = zip(item.value.ingredients, item.value.valid, strict=True)
            names = [line.text for line, is_valid in pairs if is_valid]
            yield {"recipe_id": f"r1m:{item.value.id}", "names": names}
