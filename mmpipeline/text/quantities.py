"""Amounts: numbers, ranges and units as people write them in Korean and English recipes.

Units stay as written: turning 큰술 into millilitres is a decision for whoever compares, and
would lose what the page said.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import reduce

from mmpipeline.text.normalize import clean_text

_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_PLAIN = r"(?:\d{1,3}(?:,\d{3})+|\d{1,7})(?:\.\d{1,6})?"
_FRACTION = rf"(?:\d{{1,4}}\s*[/\u2044]\s*\d{{1,4}}|[{_VULGAR}])"
NUMBER = rf"(?:\d{{1,4}}(?:\s+|\s*-\s*|\s*&\s*|(?=[{_VULGAR}])){_FRACTION}|{_FRACTION}|{_PLAIN})"
"""Pattern of one number: ``2``, ``1.5``, ``1,000``, ``1/2``, ``1 1/2``, ``1-1/2``, ``1½``."""

RANGE = rf"{NUMBER}(?:\s*(?:[~\u223c\uff5e\u301c\u2013\u2014-]|\bto\b|\bor\b)\s*{NUMBER})?"
"""Pattern of a number or a range of two."""

_RANGE_PARTS = re.compile(
    rf"(?P<low>{NUMBER})(?:\s*(?:[~\u223c\uff5e\u301c\u2013\u2014-]|\bto\b|\bor\b)\s*"
    rf"(?P<high>{NUMBER}))?"
)
_WHOLE = re.compile(rf"(?P<whole>\d{{1,4}})(?:\s+|-\s*|&\s*|(?=[{_VULGAR}]))")
_WHOLE_AND = re.compile(r"(?P<whole>\d{1,4})\s*[-&]\s*")
_KOREAN_HALF = re.compile(
    r"(?<![가-힣])반\s*(?=(?:개|컵|모|큰술|작은술|스푼|숟갈|포기|봉|줌|대|단|공기|마리|근|쪽|통|T|t)|\s*$)"
)
_AND_A_HALF = re.compile(r"^\s*반(?![가-힣])")
_UNIT = re.compile(r"\s*\.?\s*(?P<unit>(?:fl\.?\s*oz|[^\W\d_]+|%)?)")


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of something.

    Attributes
    ----------
    quantity, quantity_max
        Amount in `unit`; both are set for a range only, smaller first.
    unit
        As written; of an amount without a number it is the word itself ("약간").
    """

    quantity: float | None = None
    quantity_max: float | None = None
    unit: str | None = None


def parse_number(text: str) -> float | None:
    """Return the value of one number as `NUMBER` describes it.

    Parameters
    ----------
    text
        Such as ``1 1/2``.

    Returns
    -------
    float or None
        None when it is no number, or divides by zero.
    """
    text = text.strip()
    if _WHOLE.match(text) is None:
        return _parse_plain(text)
    wholes = []
    start, last_line = 0, text.rfind("\n") + 1  # what follows a whole number is one line
    while found := _WHOLE.match(text, start):
        if found.end() < last_line:
            found = _WHOLE_AND.match(text, start)
        if found is None or not last_line <= found.end() < len(text):
            break
        wholes.append(float(found["whole"]))
        start = found.end()
    value = _parse_plain(text[start:])
    return None if value is None else reduce(lambda part, whole: whole + part, wholes[::-1], value)


def _parse_plain(text: str) -> float | None:
    """Return the value of a number without a whole number before it, or None."""
    if len(text) == 1 and text in _VULGAR:
        return unicodedata.numeric(text)
    upper, slash, lower = text.replace("\u2044", "/").partition("/")
    try:
        value = float(upper.replace(",", ""))
        return value / float(lower) if slash else value
    except (ValueError, ZeroDivisionError):
        return None


def parse_range(text: str) -> tuple[float | None, float | None]:
    """Return the two ends of a range; the second is None for a single number.

    Parameters
    ----------
    text
        As `RANGE` describes it.

    Returns
    -------
    tuple of (float or None)
        Smaller end first.
    """
    parts = _RANGE_PARTS.fullmatch(text.strip())
    if parts is None:
        return None, None
    low = parse_number(parts["low"])
    high = parse_number(parts["high"]) if parts["high"] else None
    if low is None or high is None:
        return (high if low is None else low), None
    return (low, high) if low < high else (high, low) if high < low else (low, None)


def parse_amount(text: str) -> Amount:
    """Read an amount, as it stands in a column of its own.

    Parameters
    ----------
    text
        Such as "1/2개", "10~15장", "1.5큰술", "2T", "1 1/2 cups", "반개", "약간".

    Returns
    -------
    Amount
        All None when the text is empty; only `unit` when it holds no number.
    """
    cleaned = clean_text(text)
    if cleaned is None:
        return Amount()
    if not any(character.isdecimal() for character in cleaned):
        cleaned = _KOREAN_HALF.sub("0.5", cleaned, count=1)
    found = _RANGE_PARTS.search(cleaned)
    if found is None:
        return Amount(unit=cleaned)
    quantity, quantity_max = parse_range(found[0])
    if quantity is None:
        return Amount(unit=cleaned)
    unit_match = _UNIT.match(cleaned, found.end())
    unit = unit_match["unit"] if unit_match else ""
    if unit.endswith("반") and len(unit) > 1:
        unit, quantity = unit[:-1], quantity + 0.5
    elif unit_match and _AND_A_HALF.match(cleaned[unit_match.end() :]):
        quantity += 0.5
    return Amount(quantity, quantity_max, unit or None)
