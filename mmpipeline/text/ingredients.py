"""One ingredient line into name, amount and unit.

Korean lines name the thing first ("간장 1.5큰술"), English ones the amount ("1 1/2 cups flour").
The place of the number decides which form is read, not the language, so "2T 간장" and "butter
50 g" work as well. A handful of patterns instead of a trained parser: thousands of lines in a
blink, and where no pattern fits the whole line is the name.
"""

import re

from mmpipeline.schemas import Ingredient
from mmpipeline.text.normalize import clean_text
from mmpipeline.text.quantities import RANGE, Amount, parse_amount, parse_range

_ENGLISH_UNITS = (
    "cups?|c|tablespoons?|tbsps?|tbs|tbl|teaspoons?|tsps?|ounces?|ozs?|fl\\.? oz|pounds?|lbs?|"
    "grams?|g|gr|kilograms?|kgs?|milligrams?|mg|millilit(?:er|re)s?|mls?|lit(?:er|re)s?|l|cc|cl|dl|"
    "pinch(?:es)?|dash(?:es)?|cloves?|cans?|packages?|pkgs?|packets?|packs?|slices?|sticks?|"
    "bunch(?:es)?|heads?|stalks?|sprigs?|pieces?|quarts?|qts?|pints?|pts?|gallons?|jars?|"
    "bottles?|boxe?s?|bags?|containers?|envelopes?|handfuls?|drops?|sheets?|fillets?|leaves|"
    "leaf|ears?|cubes?|tubs?|inch(?:es)?|cm|T|t"
)
_AMOUNT_WORDS = {
    "a quarter": 0.25, "one quarter": 0.25, "one half": 0.5, "half": 0.5, "a": 1.0, "an": 1.0,
    "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0,
    "eight": 8.0, "nine": 9.0, "ten": 10.0, "twelve": 12.0,
}  # fmt: skip
_OTHER_UNITS = "큰술|작은술|스푼|숟갈|컵|개|克|个|勺|毫升"
_VAGUE = "약간씩?|적당량|적당히|조금|소량|취향껏|넉넉히|듬뿍|톡톡|to taste|as needed|少许|适量"

# A number glued to a word that is no unit ("1등급 우유", "2% milk") is part of the name.
_LEADING = re.compile(
    rf"(?:(?i:about) |약 ?|각 ?)?(?:(?P<number>{RANGE})|(?P<word>(?i:{'|'.join(_AMOUNT_WORDS)}))"
    r"(?=\s)(?: of)?(?: an?\b)?)"
    r"(?:\s*\([^)]*\))?"
    rf"(?:[\s-]*(?P<unit>(?i:{_ENGLISH_UNITS})|{_OTHER_UNITS})(?![^\W\d_])\.?\s*|\s+)(?P<name>.*)"
)
_TRAILING = re.compile(
    rf"(?P<amount>\(?(?:(?<![^\W\d_])(?:약|각) ?)?{RANGE}\s*[^\W\d_]{{0,8}}\.?(?:\s*반)?\)?"
    r"|(?<=\s)반 ?[가-힣]{1,3})"
    r"(?=\s*(?:$|[(\[,+]))"
)
_TRAILING_VAGUE = re.compile(rf"[\s,:]*\(?(?P<amount>{_VAGUE})\)?\s*$")
_NOTE = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*")
MAX_LINE = 300  # beyond it a line is prose, and the patterns' time grows with its square
_EDGES = " \t,;:.-*·/"


def parse_ingredient(line: str, group: str | None = None) -> Ingredient:
    """Read one ingredient line.

    Parameters
    ----------
    line
        Korean or English text with the amount inside, such as "대파 1/2대(흰 부분)" or
        "2 cups flour, sifted".
    group
        Header that the line stands under.

    Returns
    -------
    Ingredient
        `text` is the whole cleaned line (empty when nothing is left of it); `name` is the line
        without amount, notes in brackets and what follows a comma; None when nothing is left.
        A line of more than 300 characters is not taken apart.
    """
    text = clean_text(line) or ""
    name, amount = _split(text) if len(text) <= MAX_LINE else (text, Amount())
    return Ingredient(
        text=text,
        name=_tidy_name(name),
        quantity=amount.quantity,
        quantity_max=amount.quantity_max,
        unit=amount.unit,
        group=group,
    )


def _split(text: str) -> tuple[str, Amount]:
    leading = _LEADING.fullmatch(text)
    if leading and leading["name"]:
        amount = _leading_amount(leading)
        if amount.quantity is not None:
            vague = _TRAILING_VAGUE.search(leading["name"])
            name = leading["name"][: vague.start()] if vague else leading["name"]
            return name.removeprefix("of "), amount
    trailing = next((found for found in _TRAILING.finditer(text) if found.start() > 0), None)
    if trailing:
        return text[: trailing.start()], parse_amount(trailing["amount"].strip("()"))
    vague = _TRAILING_VAGUE.search(text)
    if vague and vague.start() > 0:
        return text[: vague.start()], Amount(unit=vague["amount"])
    return text, Amount()


def _leading_amount(leading: re.Match[str]) -> Amount:
    if leading["word"]:
        return Amount(_AMOUNT_WORDS[leading["word"].lower()], None, leading["unit"])
    return Amount(*parse_range(leading["number"]), leading["unit"])


def _tidy_name(name: str) -> str | None:
    """Drop notes; a name that is nothing but a note keeps it."""
    if len(name) > MAX_LINE:
        return name
    plain = _NOTE.sub(" ", name).strip(_EDGES)
    return (plain.split(",")[0].strip(_EDGES) or plain or name.strip(_EDGES)) or None
