"""The decoding of a span of a JSON array: to a whole record, or to what is none."""

import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """A whole record.

    Attributes
    ----------
    offset, length
        Its place in the (uncompressed) file, in bytes.
    value
        The record as the type asked for; None when a field has another type.
    loose
        The record as plain values when `value` is None, as `json.loads` reads it: NaN and lone
        surrogates included, for they spoil a field and not a record.
    """

    offset: int
    length: int
    value: T | None
    loose: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BadSpan:
    """A part of the file that is no record.

    Attributes
    ----------
    offset, length
        Its place in the (uncompressed) file, in bytes.
    reason
        ``malformed_json``, ``bad_utf8``, ``record_too_long``, ``nested_too_deep``,
        ``not_an_object``, ``content_after_end``.
    detail
        What the decoder said.
    """

    offset: int
    length: int
    reason: str
    detail: str


def decode_loose(span: bytes, offset: int) -> Record[Any] | BadSpan:
    """Decode as the standard library does, which is laxer than the typed decoder."""
    try:
        return Record(offset, len(span), None, json.loads(span.decode("utf-8")))
    except UnicodeDecodeError as error:
        return BadSpan(offset, len(span), "bad_utf8", str(error))
    except RecursionError as error:
        return BadSpan(offset, len(span), "nested_too_deep", str(error))
    except ValueError as error:
        return BadSpan(offset, len(span), "malformed_json", str(error))
