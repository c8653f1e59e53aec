"""Long texts of many patterns, and every function that reads a text from outside.

The patterns are those on which readers of text go wrong: no blanks, blanks only, what begins like
a number, a name or a bracket and never ends, letters that take several characters. A function that
takes something else than one text is called through a line that hands the text over.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from mmpipeline import text as text_package
from mmpipeline.catalog.duplicates.shingles import hash_shingles
from mmpipeline.catalog.labels import mining, title_parts
from mmpipeline.catalog.labels.joining import join_names
from mmpipeline.catalog.labels.names import find_names
from mmpipeline.catalog.labels.title_noise import DressedTitle, TitleNoise
from mmpipeline.features.content import has_words, ingredient_name, title_content
from mmpipeline.features.encoders.ngrams import TextEncoder
from mmpipeline.search.query import shared_ingredients
from mmpipeline.sources.recipe1m import cleaning
from mmpipeline.sources.tenthousand.page import fields, tree, urls
from mmpipeline.sources.tenthousand.page import ingredients as page_ingredients
from mmpipeline.sources.tenthousand.page.cutting import cut_page
from mmpipeline.sources.tenthousand.page.list_page import parse_list_page, parse_views
from mmpipeline.sources.tenthousand.page.page_index import DeepPageError
from mmpipeline.sources.tenthousand.page.recipe_page import read_recipe_page
from mmpipeline.sources.tenthousand.page.tree import OversizedPageError
from mmpipeline.text import language, normalize, quantities, romanization, spelling
from mmpipeline.web.decoding import decode_text

UNITS = {
    "one syllable": "가",
    "syllables": "가나다라마바사아자차카타파하",
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "one letter": "a",
    "blanks": " ",
    "tabs": "\t",
    "newlines": "\n",
    "nulls": "\0",
    "digits": "1",
    "numbers apart": "1 ",
    "slashes": "1/",
    "only slashes": "/",
    "fractions": "1/2 ",
    "mixed numbers": "1 1/2 ",
    "hyphened numbers": "1-",
    "numbers with and": "1 & ",
    "tildes": "1~",
    "only tildes": "~",
    "hyphens": "-",
    "thousands": "1,000,",
    "commas": ",",
    "full stops": "1.",
    "vulgar fractions": "½",
    "full-width digits": "\uff11",
    "letters apart": "a ",
    "syllables apart": "가 ",
    "a dish again and again": "김치찌개",
    "dishes apart": "김치찌개 ",
    "one slip from a dish": "김치찌게개",
    "beginnings of dishes": "김치볶",
    "endings of dishes": "볶음밥국수",
    "an English dish": "kimchi stew ",
    "an English dish without blanks": "kimchistew",
    "particles": "와과",
    "side words": "with ",
    "noise": "초간단",
    "English noise": "easy ",
    "units": "cup ",
    "amounts": "1 cup ",
    "Korean amounts": "반 개 ",
    "vague amounts": "약간 ",
    "halves": "반",
    "open brackets": "(",
    "open square brackets": "[",
    "brackets": "()",
    "bracketed blanks": "( ",
    "quotes": "'\"",
    "entities": "&amp;",
    "nested entities": "&amp;amp;",
    "ampersands": "&",
    "entity beginnings": "&#",
    "open numbers of entities": "&#1",
    "backslashes": "\\",
    "Unicode escapes": "\\u0031",
    "escaped letters": "\\n ",
    "percent signs": "%",
    "percent escapes": "%25",
    "broken UTF-8 escapes": "%EA%B0",
    "jamo": "\u1100\u1161\u11a8",
    "compatibility jamo": "ㄱㅏ",
    "combining marks": "\u0301",
    "marks out of order": "\u0301\u0323",
    "letters with marks": "e\u0301",
    "joined emoji": "👨\u200d👩\u200d👧",
    "emoji": "🍲",
    "zero-width": "\u200b",
    "right-to-left marks": "\u202e",
    "surrogates": "\ud800",
    "ligatures": "\ufb03",
    "longest expansions": "\ufdfa",
    "sharp s": "ß",
    "Windows-1252": "\x93",
    "underscores": "_",
    "colons": "a:",
    "stars": "*",
    "open tags": "<",
    "tags": "<b>",
    "nested lists": "<ul><li>",
    "open comments": "<!--",
    "open scripts": "<script ",
    "open divs": "<div ",
    "links": "https://a",
}
"""By name, what a text is made of again and again."""
NESTED = {
    "nested percent escapes": ("%", "25", ""),
    "nested Unicode escapes": ("\\", "u005c", ""),
    "nested capital entities": ("&", "AMP;", ""),
    "nested prefixes of entities": ("&", "ampamp;", ""),
    "zero-width in entities": ("", "&#8", "203;"),
    "semicolons in entities": ("", "&#894", ";"),
    "hyphens before a digit": ("", "-", "1"),
    "blanks before a letter": ("1", " ", "x"),
    "letters before a bracket": ("", "a", "("),
    "syllables before a digit": ("", "가", "1"),
    "digits before a letter": ("", "1", "x"),
    "colons before a digit": ("a:", ":", "1"),
    "line ends before a letter": ("\n", "\n", "x"),
    "a bracket before blanks": ("(", " ", "1"),
    "a number before commas": ("1,000", ",", "a"),
}
"""By name, what begins a text, what it is made of, and what ends it."""
PATTERNS = (*UNITS, *NESTED)


def make_text(name: str, length: int) -> str:
    """Return a text of a pattern.

    Parameters
    ----------
    name
        One of `PATTERNS`.
    length
        In characters.

    Returns
    -------
    str
        About so long.
    """
    first, unit, last = NESTED.get(name) or ("", UNITS[name], "")
    if name == "zero-width in entities":  # as many ends as beginnings
        return unit * (length // 7) + last * (length // 7)
    return f"{first}{(unit * (length // len(unit) + 1))[: length - len(last)]}{last}"


@cache
def _dictionary() -> text_package.DishDictionary:
    return text_package.DishDictionary.load()


@cache
def _miner() -> mining.NameMiner:
    names = {"옹심이국": 9, "강원도옹심이국": 3, "감자전골": 5, "cabbage rolls": 7, "가나다라": 4}
    return mining.NameMiner(names, _dictionary())


@cache
def _spelling_index() -> spelling.SpellingIndex:
    return spelling.SpellingIndex({"옹심이국": "a", "cabbagerolls": "b", "가나다라마": "c"})


def _hash_shingles(text: str) -> Any:  # noqa: ANN401  arrays
    folded = normalize.fold_text(text)
    return hash_shingles(pa.array([folded], pa.string()))


def _learn_title_noise(text: str) -> Any:  # noqa: ANN401  what it returns does not matter here
    words = title_parts.split_words(text)
    titles = [DressedTitle(words, text), DressedTitle(["국"], text)]
    return title_parts.learn_noise_beside_lists(titles)


def _sound(text: str) -> str:
    """Return a text as bytes from the web can hold it: without half characters."""
    return text.encode("utf-8", "replace").decode()


def _read_list(text: str) -> Any:  # noqa: ANN401
    with suppress(DeepPageError, OversizedPageError):  # refused, for being no page
        return parse_list_page(_sound(text))
    return None


def _page(text: str) -> bytes:
    return (
        "<html><head><title>x</title></head><body><div class='view2_summary'><h3>"
        f"{text}</h3></div><div id='divConfirmedMaterialArea'><ul><li>{text}</li></ul></div>"
        f"<div class='view_step_cont'><div class='media-body'>{text}</div></div></body></html>"
    ).encode("utf-8", "replace")


def _read_page(text: str) -> Any:  # noqa: ANN401
    return read_recipe_page(_page(text), "text/html; charset=utf-8", "https://a.example/", 1)


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "text.clean_text": normalize.clean_text,
    "text.fold_text": normalize.fold_text,
    "text.normalize_form": lambda text: normalize.normalize_form("NFKC", text),
    "text.detect_language": language.detect_language,
    "text.romanize": romanization.romanize,
    "text.parse_number": quantities.parse_number,
    "text.parse_range": quantities.parse_range,
    "text.parse_amount": quantities.parse_amount,
    "text.parse_ingredient": text_package.parse_ingredient,
    "text.spelling_form": spelling.spelling_form,
    "text.SpellingIndex": lambda text: spelling.SpellingIndex({text[:2_000]: "a"}),
    "text.SpellingIndex.find": lambda text: _spelling_index().find(text),
    "text.DishDictionary.match": lambda text: _dictionary().match(text),
    "text.DishDictionary.match_misspelt": lambda text: _dictionary().match_misspelt(text),
    "catalog.is_korean": title_parts.is_korean,
    "catalog.is_listed_noise": title_parts.is_listed_noise,
    "catalog.split_words": title_parts.split_words,
    "catalog.find_title_core": title_parts.find_title_core,
    "catalog.find_title_core, learnt": lambda text: title_parts.find_title_core(
        text, TitleNoise(frozenset({"a", "가"}), frozenset({"a", "가"}))
    ),
    "catalog.drop_ingredients": lambda text: title_parts.drop_ingredients(text, text),
    "catalog.learn_noise_beside_lists": _learn_title_noise,
    "catalog.count_names": lambda text: mining.count_names([(text, 9, 9)], _dictionary(), 1),
    "catalog.NameMiner": lambda text: mining.NameMiner({text[:12]: 3}, _dictionary()),
    "catalog.NameMiner.find": lambda text: _miner().find(text),
    "catalog.NameMiner.find_misspelt": lambda text: _miner().find_misspelt(text),
    "catalog.label_title_core": lambda text: mining.label_title_core(text, _miner()),
    "catalog.find_names": lambda text: find_names(_dictionary(), text, text),
    "catalog.join_names": lambda text: join_names({f"ko:{text}": 1, f"en:{text}": 2}),
    "catalog.hash_shingles": _hash_shingles,
    "recipe1m.clean_dump_text": cleaning.clean_dump_text,
    "recipe1m.find_lost_fraction": cleaning.find_lost_fraction,
    "recipe1m.read_ingredients": lambda text: cleaning.read_ingredients([text]),
    "scraping.decode_text": lambda text: decode_text(text.encode("utf-8", "replace"), text),
    "scraping.cut_page": cut_page,
    "scraping.read_recipe_page": _read_page,
    "scraping.parse_list_page": _read_list,
    "scraping.clean_group": page_ingredients.clean_group,
    "scraping.split_list": page_ingredients.split_list,
    "scraping.parse_servings": fields.parse_servings,
    "scraping.parse_minutes": fields.parse_minutes,
    "scraping.parse_date": fields.parse_date,
    "scraping.first_number": tree.first_number,
    "scraping.parse_views": parse_views,
    "scraping.find_recipe_number": urls.find_recipe_number,
    "scraping.normalize_url": lambda text: urls.normalize_url(text, "https://a.example/"),
    "search.title_content": title_content,
    "search.ingredient_name": ingredient_name,
    "search.has_words": has_words,
    "search.shared_ingredients": lambda text: shared_ingredients([text], [text, "두부"]),
    "search.TextEncoder": lambda text: TextEncoder(64, 2, 4).encode([text]).astype(np.float64),
}
"""By room and name, what reads a text from outside."""


def forget() -> None:
    """Empty what functions remember of texts, so that each is read anew."""
    ingredient_name.cache_clear()
    cleaning._read_line.cache_clear()
