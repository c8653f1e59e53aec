"""The ends of JSON values, told from tokens alone.

Regular expressions with possessive quantifiers: a bracket costs one step in Python, everything
between two brackets one match in C, and nothing is looked at twice.
"""

import re
from collections.abc import Callable

import msgspec

_BLANKS = re.compile(rb"[ \t\r\n]*+")
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_LITERAL = rb"-?(?:\d[\d.eE+\-]*+|Infinity)|true|false|null|NaN"
_SCALAR = re.compile(rb"(?:" + _STRING + rb"|" + _LITERAL + rb")", re.DOTALL)
_STEP = re.compile(
    rb"(?:" + _STRING + rb"|[ \t\r\n,:]++|" + _LITERAL + rb")*+([{}\[\]])?", re.DOTALL
)
_LITERALS = (b"true", b"false", b"null", b"NaN", b"Infinity", b"-Infinity")
_LONGEST_LITERAL = 9
_HEAD = re.compile(
    rb'\{[ \t\r\n]*+"([^"\\]*+)"[ \t\r\n]*+:[ \t\r\n]*+'
    rb'(?:"[^"\\]*+"[ \t\r\n]*+,[ \t\r\n]*+"([^"\\]*+)")?'
)
CANDIDATE = re.compile(rb",[ \t\r\n]*+(?=\{)")
"""What stands before a record, or before any other object in a list."""


def scan_value(content: bytes, start: int) -> tuple[int | None, bool]:
    """Find the end of the JSON value that starts at a place.

    Parameters
    ----------
    content
        JSON text, possibly cut at its end.
    start
        Index of the value's first byte.

    Returns
    -------
    end : int or None
        Index behind the value; None when it cannot be told.
    is_malformed : bool
        True when no more text could make it a value; False with None means: cut.
    """
    if content[start : start + 1] not in {b"{", b"["}:
        return _scan_scalar(content, start)
    depth = 0
    position = start
    while True:
        step = _STEP.match(content, position)
        position = step.end() if step else position
        bracket = step[1] if step else None
        if bracket is None:
            return None, _is_malformed(content, position)
        depth += 1 if bracket in b"{[" else -1
        if depth == 0:
            return position, False


def _scan_scalar(content: bytes, start: int) -> tuple[int | None, bool]:
    scalar = _SCALAR.match(content, start)
    if scalar is None:
        return None, _is_malformed(content, start)
    return (scalar.end(), False) if scalar.end() < len(content) else (None, False)


def _is_malformed(content: bytes, position: int) -> bool:
    """Tell a token that is none from one that is cut by the end of the text."""
    rest = content[position : position + _LONGEST_LITERAL]
    return not rest.startswith(b'"') and not any(word.startswith(rest) for word in _LITERALS)


def skip_blanks(content: bytes, start: int) -> int:
    """Return the index of the first byte from `start` on that is not blank."""
    blanks = _BLANKS.match(content, start)
    return blanks.end() if blanks else start


def learn_boundary(record: bytes) -> re.Pattern[bytes] | None:
    """Learn from one record what its end and the start of the next look like.

    Parameters
    ----------
    record
        A whole record.

    Returns
    -------
    re.Pattern or None
        ``}``, comma, ``{`` and the record's first key, or its first two where the first value is a
        plain string; None when it has no key.
    """
    head = _HEAD.match(record)
    if head is None:
        return None
    blank = rb"[ \t\r\n]*+"
    tokens = [rb"\}", rb",", rb"\{", b'"' + re.escape(head[1]) + b'"', rb":"]
    if head[2] is not None:
        tokens += [rb'"[^"\\]*+"', rb",", b'"' + re.escape(head[2]) + b'"']
    return re.compile(blank.join(tokens))


def find_record(
    content: bytes, start: int, decode: Callable[[bytes], object], *, is_all: bool
) -> int | None:
    """Return where a record starts that another record, or the array's end, follows.

    Parameters
    ----------
    content
        A part of the file.
    start
        Where to look from.
    decode
        Raises where a span is no record.
    is_all
        Whether the file ends with the content.
    """
    for candidate in CANDIDATE.finditer(content, start):
        end = _end_of_record(content, candidate.end(), decode)
        if end is None:
            continue
        following = CANDIDATE.match(content, skip_blanks(content, end))
        if following:
            is_followed_well = _end_of_record(content, following.end(), decode) is not None
        else:
            is_followed_well = is_all and content[end:].strip() == b"]"
        if is_followed_well:
            return candidate.end()
    return None


def _end_of_record(content: bytes, start: int, decode: Callable[[bytes], object]) -> int | None:
    end, _ = scan_value(content, start)
    if end is None:
        return None
    try:
        decode(content[start:end])
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return end
