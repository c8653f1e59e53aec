"""Texts of any length and kind are read in time that grows with their length, and none raises.

Time itself is measured by `benchmarks.long_text`. Here the steps that Python takes are counted,
which is exact but blind to what is done in C (patterns, copies of texts), and texts of 100,000
letters are read to the end, which nothing that takes the square of the length lives to see.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from itertools import accumulate
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mmpipeline.text
from benchmarks.long_text_cases import FUNCTIONS, PATTERNS, forget, make_text
from mmpipeline.catalog.labels import mining
from mmpipeline.sources.recipe1m.cleaning import read_ingredients
from mmpipeline.text import DishDictionary, clean_text, dishes, fold_text, quantities
from mmpipeline.text.normalize import normalize_form

CASES = [(name, pattern) for name in FUNCTIONS for pattern in PATTERNS]
THOSE_OF_OLD = [  # what took the cube or the square of the length, or too deep a stack
    *((f"text.DishDictionary.{way}", "one syllable") for way in ("match", "match_misspelt")),
    *(
        (f"catalog.{name}", "one syllable")
        for name in ("label_title_core", "count_names", "find_names")
    ),
    ("text.DishDictionary.match", "a dish again and again"),
    ("text.DishDictionary.match", "dishes apart"),
    ("text.SpellingIndex", "syllables"),
    ("text.parse_number", "numbers apart"),
    ("text.fold_text", "marks out of order"),
    ("text.clean_text", "nested capital entities"),
    ("text.clean_text", "zero-width in entities"),
    ("recipe1m.clean_dump_text", "nested percent escapes"),
    ("recipe1m.clean_dump_text", "nested Unicode escapes"),
    ("recipe1m.read_ingredients", "hyphens before a digit"),
]
TEXTS = st.text(st.characters(exclude_categories=()), max_size=60)  # halves of characters too
ANY_TEXT = TEXTS | st.lists(st.sampled_from([make_text(p, 12) for p in PATTERNS])).map("".join)


def one_in(number: int) -> list[tuple[str, str]]:
    """Return a share of all cases, with every function and every pattern among them."""
    return [case for turn, case in enumerate(CASES) if turn % number == 0]


def text_functions() -> Iterator[str]:
    """Yield the public functions and methods of `mmpipeline.text` that take a text."""
    for info in pkgutil.iter_modules(mmpipeline.text.__path__):
        module = importlib.import_module(f"mmpipeline.text.{info.name}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            if inspect.isclass(value):
                methods = inspect.getmembers(value, inspect.isfunction)
                yield from (
                    f"text.{name}.{method}"
                    for method, function in methods
                    if not method.startswith("_") and takes_text(function)
                )
            elif inspect.isfunction(value) and takes_text(value):
                yield f"text.{name}"


def takes_text(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(parameter.annotation in (str, "str", str | None) for parameter in parameters)


def test_every_function_that_takes_a_text_is_among_those_measured() -> None:
    found = set(text_functions())
    assert len(found) >= 12
    assert found - set(FUNCTIONS) == set()
    assert len(PATTERNS) >= 40
    assert {pattern for _, pattern in one_in(12)} == set(PATTERNS)
    assert {name for name, _ in one_in(12)} == set(FUNCTIONS)


@settings(max_examples=40, deadline=None)
@given(ANY_TEXT)
@example("http:")  # Beautiful Soup warns of pages that look like addresses
@example("C:\\pages")
def test_no_text_makes_a_function_raise(text: str) -> None:
    for function in FUNCTIONS.values():
        function(text)


def count_steps(function: Callable[[str], Any], text: str) -> int:
    """Return how many lines of Python, calls and returns a function takes to read a text."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ANN401
        nonlocal count
        count += 1
        return trace

    forget()
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", FUNCTIONS)
def test_twice_the_length_takes_twice_the_steps(name: str) -> None:
    function = FUNCTIONS[name]
    function("warm up 1")
    of_old = {pattern for of, pattern in THOSE_OF_OLD if of == name}
    for pattern in {pattern for of, pattern in one_in(4) if of == name} | of_old:
        steps, more = (count_steps(function, make_text(pattern, n)) for n in (400, 800))
        assert more <= 2.2 * steps + 500, pattern


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_hundred_thousand_letters_are_read(name: str) -> None:
    of_old = {pattern for of, pattern in THOSE_OF_OLD if of == name}
    for pattern in {pattern for of, pattern in one_in(12) if of == name} | of_old:
        # One letter of these is eighteen: written out, they are as long as the others.
        length = 100_000 // (18 if pattern == "longest expansions" else 1)
        FUNCTIONS[name](make_text(pattern, length))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_hundred_thousand_letters_of_every_kind_are_read(name: str) -> None:
    for pattern in PATTERNS:
        FUNCTIONS[name](make_text(pattern, 100_000))


def naive_find_korean(dictionary: DishDictionary, words: list[str]) -> list[dishes._Found]:
    """Find names by trying every start and every length, looking at all ends each time."""
    joined, ends = "".join(words), list(accumulate(map(len, words)))
    found = []
    for start in range(len(joined)):
        for length in sorted({len(name) for name in dictionary._korean}, reverse=True):
            end = start + length
            dish = dictionary._korean.get(joined[start:end])
            is_glued = length <= 3 and start not in {0, *ends}
            if dish is None or end > len(joined):
                continue
            if is_glued and any(start < edge < end for edge in ends):
                continue
            if naive_ends_a_dish(joined, end, ends):
                found.append(dishes._Found(dish, start, end))
                break
    return naive_drop_nested(found)


def naive_ends_a_dish(joined: str, end: int, ends: list[int]) -> bool:
    rest = joined[end:]
    if rest.startswith(dishes._KOREAN_VETO):
        return rest.startswith(("맛있", "맛나", "맛집"))
    if end in ends:
        return True
    of_word = joined[end : min(edge for edge in ends if edge > end)]
    is_korean = re.match("[가-힣]", of_word) is not None
    return not is_korean or dishes._KOREAN_TAIL.match(of_word) is not None


def naive_drop_nested(found: list[dishes._Found]) -> list[dishes._Found]:
    kept: list[dishes._Found] = []
    for match in sorted(found, key=lambda match: (match.start - match.end, -match.start)):
        if all(match.end <= other.start or match.start >= other.end for other in kept):
            kept.append(match)
    return kept


NAMES = [name for dish in DishDictionary.load().dishes.values() for name in dish.names_ko]
AROUND = ["초간단", "만들기", "와", "과", "양념", "맛있는", "맛", "레시피", "a", "1", *" " * 12]
KOREAN_TITLES = st.lists(st.sampled_from(NAMES) | st.sampled_from(AROUND), max_size=9).map("".join)


@settings(max_examples=300, deadline=None)
@given(KOREAN_TITLES)
def test_dishes_are_found_as_by_trying_everything(title: str) -> None:
    words, dictionary = fold_text(title).split(), DishDictionary.load()
    assert dictionary._find_korean(words) == naive_find_korean(dictionary, words)


def naive_parse_number(text: str) -> float | None:
    """Read a whole number before the rest of a number, and the rest in the same way."""
    text = text.strip()
    pattern = rf"(?P<whole>\d{{1,4}})(?:\s+|\s*-\s*|\s*&\s*|(?=[{quantities._VULGAR}]))(?P<part>.+)"
    mixed = re.fullmatch(pattern, text)
    if mixed is None:
        return quantities._parse_plain(text)
    part = naive_parse_number(mixed["part"])
    return None if part is None else float(mixed["whole"]) + part


@settings(max_examples=500, deadline=None)
@given(st.text("1 2-&/½¾,.\n~", max_size=12))
def test_numbers_are_read_as_by_reading_the_rest_again(text: str) -> None:
    assert quantities.parse_number(text) == naive_parse_number(text)


OLD_HEADER = re.compile(r"[-*=~#]{2,}\s*[^\d]{2,60}?[-*=~#\s:]*")


@settings(max_examples=500, deadline=None)
@given(
    st.builds(
        "{}{}{}".format,
        st.text("-* a1", max_size=5),
        st.sampled_from(["", *("x" * n for n in (56, 57, 58, 59, 60, 61)), "-" * 64]),
        st.text("-* a1", max_size=5),
    )
)
def test_a_line_between_rules_is_a_header_as_before(middle: str) -> None:
    line = clean_text(f"--{middle}")
    assert line is not None
    ingredients = read_ingredients([line]).ingredients
    assert bool(ingredients) == (OLD_HEADER.fullmatch(line) is None)


def test_the_tails_of_a_core_end_where_no_name_is_so_long() -> None:
    word = "".join(chr(0xAC00 + place) for place in range(100))
    tails = list(mining._tails(f"새 {word}"))
    assert tails == [word[start:] for start in range(36, 99)]
    assert list(mining._tails(word[:9]))[:2] == [word[:9], word[1:9]]


def test_of_marks_no_more_than_thirty_stay_together_in_a_long_text() -> None:
    marks = "\u0301\u0323" * 2_000
    found = normalize_form("NFC", f"a{marks}")
    assert max(map(len, re.findall("[\u0300-\u034e]+", found))) <= 30
    assert normalize_form("NFC", found) == found
    short = "e" + "\u0301\u0323" * 40
    assert "\u034f" not in normalize_form("NFC", short)


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if "entities" in name])
def test_what_is_escaped_too_often_is_still_cleaned_once_and_for_all(pattern: str) -> None:
    cleaned = clean_text(make_text(pattern, 2_000))
    assert cleaned is None or clean_text(cleaned) == cleaned
