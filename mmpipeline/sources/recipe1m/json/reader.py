"""A JSON array of records, streamed: any layout, bounded memory, one bad record costs one record.

A record is sought by its end. From a known start the text up to the next likely boundary (the
keys that open a record, after ``},{``) is decoded; if that succeeds the record is complete, for
from a true start a JSON object can end at one place only. If not, a token scan finds the end
exactly; it is slower, and needed for the first record, the last one of a block, and
records of unusual form. Only where the text is no JSON at all is the next record guessed: the
first place from which two records in a row decode (or one, and the array ends).

The decoder sees every byte once or twice, so the time is linear. Memory is a few blocks, or the
longest record.
"""

import gzip
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Generic

import msgspec

from mmpipeline.errors import InputError, TruncatedInputError
from mmpipeline.sources.recipe1m.json.decoding import BadSpan, Record, T, decode_loose
from mmpipeline.sources.recipe1m.json.files import Window, open_plain
from mmpipeline.sources.recipe1m.json.scan import (
    find_record,
    learn_boundary,
    scan_value,
    skip_blanks,
)

if TYPE_CHECKING:
    import re


BLOCK_BYTES = 4 << 20
# A record open for longer than this may be one whose end was lost: look for the next one.
_SUSPICIOUS_BYTES = 1 << 20
_FAST_SEARCH_BYTES = 64 << 10


def read_array(
    path: Path,
    record_type: type[T],
    *,
    max_record_bytes: int = 128 << 20,
    block_bytes: int = BLOCK_BYTES,
    allow_empty: bool = False,
    start: tuple[int, int] | None = None,
) -> Generator[Record[T] | BadSpan]:
    """Stream the records of one JSON array.

    Parameters
    ----------
    path
        Plain or gzip file (told by its first bytes, not by its name).
    record_type
        What msgspec decodes a record to; it should require the field that makes an object a
        record (its id), so that a nested object is never taken for one.
    max_record_bytes
        A longer record is skipped and reported.
    block_bytes
        How much is read at once.
    allow_empty
        Accept an array without records.
    start
        Byte at which a record is known to start, and how many records lie before it; None
        starts at the array's opening bracket.

    Yields
    ------
    Record or BadSpan
        In file order; together they cover the array.

    Raises
    ------
    InputError
        If the file is missing, is no JSON array, or the array is empty.
    TruncatedInputError
        If the file ends before the array does; what was yielded before is sound.
    """
    try:
        with open_plain(path) as file:
            window = Window(file, block_bytes)
            splitter = _Splitter(path, window, record_type, max_record_bytes, allow_empty)
            yield from splitter.split(start)
    except EOFError as error:
        raise TruncatedInputError(
            f"{path}: the gzip stream ends early; get the file anew"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file ({error}); get the file anew") from error
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(f"{path}: {reason}; expected a JSON array") from error


class _Splitter(Generic[T]):
    def __init__(
        self,
        path: Path,
        window: Window,
        record_type: type[T],
        max_record_bytes: int,
        allow_empty: bool,
    ) -> None:
        self._path = path
        self._window = window
        self._typed = msgspec.json.Decoder(record_type)
        self._max_record_bytes = max_record_bytes
        self._allow_empty = allow_empty
        self._position = 0
        self._boundary: re.Pattern[bytes] | None = None
        self._records = 0
        self._misses = 0

    def split(self, start: tuple[int, int] | None) -> Iterator[Record[T] | BadSpan]:
        if start is None:
            self._open_array()
        else:
            self._window.seek(start[0])
            self._records = start[1]
        if start is not None or self._next_byte() != b"]":
            yield from self._split_items()
        elif not self._allow_empty:
            raise InputError(f"{self._path}: an empty array; expected at least one record")
        self._position += 1
        if self._next_byte():
            offset = self._window.base + self._position
            yield BadSpan(offset, 0, "content_after_end", f"after {self._records} records")

    def _split_items(self) -> Iterator[Record[T] | BadSpan]:
        """Split up to the closing bracket, and stand on it."""
        while True:
            item = self._take()
            self._records += isinstance(item, Record)
            yield item
            separator = self._next_byte()
            if separator not in {b",", b"]", b""}:
                yield self._resume(self._position, "malformed_json", "expected a comma")
                separator = self._next_byte()
            if separator == b"]":
                return
            if separator == b"":
                raise self._truncated()
            self._position += 1
            self._next_byte()

    def _open_array(self) -> None:
        self._window.advance(0)
        if self._window.content.startswith(b"\xef\xbb\xbf"):
            self._position = 3
        first = self._next_byte()
        if first != b"[":
            found = repr(first.decode("latin-1")) if first else "nothing"
            raise InputError(
                f"{self._path}: no JSON array (expected '[' at the start, found {found}); "
                "give a file in Recipe1M's format"
            )
        self._position += 1

    def _next_byte(self) -> bytes:
        """Go to the next byte that is not blank; empty at the end of the file."""
        while True:
            self._position = skip_blanks(self._window.content, self._position)
            if self._position < len(self._window.content) or self._window.is_at_end:
                return self._window.content[self._position : self._position + 1]
            self._advance()

    def _advance(self) -> None:
        self._window.advance(self._position)
        self._position = 0

    def _truncated(self) -> TruncatedInputError:
        size = self._window.base + len(self._window.content)
        return TruncatedInputError(
            f"{self._path}: truncated at byte {size} after record {self._records} (expected the "
            "array's closing ']'); get the file anew"
        )

    def _take(self) -> Record[T] | BadSpan:
        """Take the value that starts at the position, and stand behind it."""
        while True:
            fast = self._take_fast()
            if fast is not None:
                return fast
            content, start = self._window.content, self._position
            end, is_malformed = scan_value(content, start)
            if end is not None:
                self._position = end
                return self._decode(start, end)
            if is_malformed:
                return self._resume(start, "malformed_json", "no JSON from here on")
            unclosed = self._skip_unclosed(start)
            if unclosed is not None:
                return unclosed
            self._advance()

    def _skip_unclosed(self, start: int) -> BadSpan | None:
        """Skip a record that should have ended by now; None when it may yet end."""
        size = len(self._window.content) - start
        if size > self._max_record_bytes:
            detail = f"over {self._max_record_bytes} bytes"
            return self._resume(start, "record_too_long", detail)
        if size > _SUSPICIOUS_BYTES or self._window.is_at_end:
            following = self._find_record(start + 1)
            if following is not None:
                return self._skip_to(start, following, "malformed_json", "never closed")
        if self._window.is_at_end:
            raise self._truncated()
        return None

    def _take_fast(self) -> Record[T] | None:
        if self._boundary is None or self._misses * 4 > self._records + 64:
            return None
        content, start = self._window.content, self._position
        boundary = self._boundary.search(content, start, start + _FAST_SEARCH_BYTES)
        if boundary is None or boundary.start() - start >= self._max_record_bytes:
            return None
        end = boundary.start() + 1
        try:
            value = self._typed.decode(content[start:end])
        except (msgspec.DecodeError, RecursionError, ValueError):
            self._misses += 1
            self._boundary = None
            return None
        self._position = end
        return Record(self._window.base + start, end - start, value)

    def _decode(self, start: int, end: int) -> Record[T] | BadSpan:
        """Decode a span whose brackets match."""
        span, offset = self._window.content[start:end], self._window.base + start
        if len(span) > self._max_record_bytes:
            detail = f"over {self._max_record_bytes} bytes"
            return BadSpan(offset, len(span), "record_too_long", detail)
        if not span.startswith(b"{"):
            return BadSpan(offset, len(span), "not_an_object", span[:40].decode("utf-8", "replace"))
        try:
            record = Record(offset, len(span), self._typed.decode(span))
        except RecursionError as error:
            return BadSpan(offset, len(span), "nested_too_deep", str(error))
        except (msgspec.DecodeError, ValueError):
            return decode_loose(span, offset)
        self._boundary = self._boundary or learn_boundary(span)
        return record

    def _resume(self, start: int, reason: str, detail: str) -> BadSpan:
        """Skip to the next record that can be made out, reading on as far as it takes."""
        offset = self._window.base + start
        searched = start + 1
        while True:
            following = self._find_record(searched)
            if following is not None:
                return self._skip_to(offset - self._window.base, following, reason, detail)
            if self._window.is_at_end:
                return self._give_up_at_end(offset, reason, detail)
            # The last candidates may have been cut by the window's end: keep a stretch of it.
            self._position = max(searched, len(self._window.content) - _SUSPICIOUS_BYTES)
            self._advance()
            searched = 0

    def _skip_to(self, start: int, following: int, reason: str, detail: str) -> BadSpan:
        comma = self._window.content.rfind(b",", 0, following)
        self._position = comma
        return BadSpan(self._window.base + start, comma - start, reason, detail)

    def _give_up_at_end(self, offset: int, reason: str, detail: str) -> BadSpan:
        content = self._window.content.rstrip()
        if not content.endswith(b"]"):
            raise self._truncated()
        self._position = len(content) - 1
        return BadSpan(offset, self._window.base + self._position - offset, reason, detail)

    def _find_record(self, start: int) -> int | None:
        window = self._window
        return find_record(window.content, start, self._typed.decode, is_all=window.is_at_end)
