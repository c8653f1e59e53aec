"""Text as it came from the web, made comparable without changing what it says.

`clean_text` repairs the carrier (entities, control characters, spaces, composition) and is what
tables hold. `fold_text` also drops case and punctuation and is for comparing and hashing only.

Both repeat their steps until nothing changes, so they are idempotent whatever the nesting
("&amp;amp;lt;"); what still changes after 16 passes loses its ampersands. That costs a second look
at the few texts that hold an entity at all; plain ASCII takes a short cut.
"""

import html
import re
import unicodedata
from functools import lru_cache
from typing import Literal

_CP1252 = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
_INVISIBLE = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"

# Codes 0x80-0x9f are control characters nobody types: they are Windows quotes read as Latin-1.
# Other controls separate fields in some exports (BEL), so they become spaces, not nothing.
_CONTROLS = str.maketrans(
    dict.fromkeys((*range(32), *range(0x7F, 0xA0), *map(ord, _BLANKS)), " ") | _CP1252
)
_DROPPED = re.compile(f"[{_INVISIBLE}\ud800-\udfff]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_AMPERSANDS = re.compile(r"&(?:amp;|#0*38;|#[xX]0*26;)+")
_NOT_WORD = re.compile(r"[\W_]+")
_MOST_PASSES = 16  # nobody escapes a text so often; what does is made to puzzle readers

_MARKS_MATTER_FROM = 1_000  # characters; shorter texts take no time to speak of
_JOINER = "\u034f"


def clean_text(text: str) -> str | None:
    """Repair a text's carrier and leave its words alone.

    Entities are unescaped until none is left, Windows-1252 leftovers become the characters that
    were meant, zero-width characters go, controls and all kinds of blanks become one space, and
    the result is in Unicode form NFC.

    Parameters
    ----------
    text
        Any string.

    Returns
    -------
    str or None
        The cleaned text; None when nothing is left of it. Cleaning it again changes nothing.
    """
    if text.isascii() and text.isprintable() and "&" not in text:
        return " ".join(text.split()) or None
    previous = None
    passes = 0
    while text != previous:
        previous = text
        passes += 1
        text = _DROPPED.sub("", text.translate(_CONTROLS))
        if "&" in text:
            text = _unescape(text) if passes < _MOST_PASSES else text.replace("&", " ")
        compose = unicodedata.normalize if len(text) < _MARKS_MATTER_FROM else normalize_form
        text = " ".join(compose("NFC", text).split())
    return text or None


def _unescape(text: str) -> str:
    text = _ESCAPED_AMPERSANDS.sub("&", text)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def normalize_form(form: Literal["NFC", "NFD", "NFKC"], text: str) -> str:
    """Bring a text into a Unicode form, in time that grows with its length.

    In a long text no more than 30 combining marks stay together; a combining grapheme joiner
    stands between them, as in the stream-safe text format.

    Parameters
    ----------
    form
        Name of the form.
    text
        Any string.

    Returns
    -------
    str
        In that form.

    References
    ----------
    Unicode Standard Annex #15, section 13, "Stream-Safe Text Format".
    """
    if len(text) >= _MARKS_MATTER_FROM and not text.isascii():
        text = _many_marks().sub(rf"\1{_JOINER}", text)
    return unicodedata.normalize(form, text)


@lru_cache(maxsize=1)
def _many_marks() -> re.Pattern[str]:
    """Return what matches 30 marks with one more behind them.

    Marks are put in order by insertion, which takes the square of their number.
    """
    marks = "".join(filter(unicodedata.combining, map(chr, range(0x300, 0x1F000))))
    return re.compile(f"([{marks}]{{30}})(?=[{marks}])")


def fold_text(text: str) -> str:
    """Reduce a text to what two writings of the same thing share.

    Parameters
    ----------
    text
        Any string.

    Returns
    -------
    str
        Cleaned, in compatibility form, without case; punctuation and symbols are spaces. Empty
        when nothing is left. Folding it again changes nothing.
    """
    previous = None
    while text != previous:
        previous = text
        text = (clean_text(text) or "").casefold()
        compose = unicodedata.normalize if len(text) < _MARKS_MATTER_FROM else normalize_form
        text = compose("NFKC", text)
        text = _NOT_WORD.sub(" ", text).strip()
    return text
