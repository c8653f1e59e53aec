"""Text as it came from the web, made comparable without changing what it says.

`clean_text` repairs the carrier (entities, control characters, spaces, composition) and is what
tables hold. `fold_text` also drops case and punctuation and is for comparing and hashing only.

Both repeat their steps until nothing changes, so they are idempotent whatever the nesting
("&amp;amp;lt;"). That costs a second look at the few texts that hold an entity at all; plain
ASCII takes a short cut.
"""

import html
import re
import unicodedata

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
    while text != previous:
        previous = text
        text = _DROPPED.sub("", text.translate(_CONTROLS))
        if "&" in text:
            text = _ESCAPED_AMPERSANDS.sub("&", text)
            text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
        text = " ".join(unicodedata.normalize("NFC", text).split())
    return text or None


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
        text = unicodedata.normalize("NFKC", (clean_text(text) or "").casefold())
        text = _NOT_WORD.sub(" ", text).strip()
    return text
