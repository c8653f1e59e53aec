"""Dish names in Korean and English, and how to find one in a title.

Korean titles are chatty and free with spaces ("초간단 돼지고기 김치 찌개 황금레시피"), but the dish
stands at the end of its compound: 김치볶음밥 is a 볶음밥, 치즈떡볶이 a 떡볶이. So a Korean name is
sought in the title without its spaces and must end where a word ends, or before a word like
만들기. English names must be whole words; plurals and split romanisations ("bi bim bap") match.

Where several names are found, those inside a longer one are dropped; of the rest the last one
wins with a lower confidence, since both languages put the head last ("bulgogi bibimbap"). In
English, what follows "with" is a side dish and is not looked at.

A dictionary of strings knows only what was written into it; names that it lacks are for the
catalogue to find.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import accumulate

from mmpipeline.text.normalize import fold_text
from mmpipeline.text.spelling import SpellingIndex

_MAX_ENGLISH_WORDS = 6
_SHORT_NAME = 3
_SHORT_WORD = 4
_HANGUL = re.compile(r"[가-힣]")

# Frequent misspellings, of equal length so that places in the title stay valid.
_MISSPELT = {
    "찌게": "찌개", "떡볶기": "떡볶이", "떡뽁이": "떡볶이", "떡복이": "떡볶이", "떡뽂이": "떡볶이",
    "떡볶히": "떡볶이", "뽁음": "볶음", "뽂음": "볶음", "복음": "볶음", "볶은밥": "볶음밥",
    "육계장": "육개장", "부침게": "부침개", "돈까쓰": "돈까스", "깍뚜기": "깍두기",
    "쭈꾸미": "주꾸미", "낚지": "낙지", "설농탕": "설렁탕", "잡체": "잡채", "짬봉": "짬뽕",
    "댄장": "된장", "칼국시": "칼국수", "계란": "달걀", "스파게리": "스파게티", "삼개탕": "삼계탕",
    "오무라이스": "오므라이스", "고등오": "고등어", "매운땅": "매운탕", "불고리": "불고기",
}  # fmt: skip
_MISSPELT_PATTERN = re.compile("|".join(sorted(_MISSPELT, key=len, reverse=True)))

# What may be glued to the end of a dish name without changing the dish.
_KOREAN_TAIL = re.compile(
    "만들|만드|레시피|황금|끓이|끓여|볶는|맛있|맛나|맛집|하는|해먹|비법|간단|초간단|백종원|집에서|"
    "이랑|하고|정식|한그릇|한상|요리|(?:과|와|은|는|이|가|을|를|도|로|의|에|요|입니다|이에요|예요)$"
)
_KOREAN_VETO = ("양념", "소스", "육수", "드레싱", "가루", "맛", "재료", "밀키트", "남은")
_NO_DISH = "sauc marinad seasoning dressing crust dough mix rub spic past filling topping batter"
_ENGLISH_VETO = frozenset(_NO_DISH.split())
_SIDE_WORDS = frozenset({"with", "w", "for", "from", "using"})


@dataclass(frozen=True, slots=True)
class Dish:
    """One entry of the dictionary.

    Attributes
    ----------
    key
        Canonical key, such as ``kimchi-jjigae``.
    names_ko, names_en
        Names and their variants; the first is the one to show.
    """

    key: str
    names_ko: tuple[str, ...]
    names_en: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DishMatch:
    """A dish found in a text.

    Attributes
    ----------
    dish
        The dictionary's key.
    confidence
        1.0: the text is the name; 0.9: the name is in the text; 0.8: after mending a frequent
        misspelling; 0.6: the text holds names of several dishes and the last one was taken.
    end
        Where the name ends, in letters of the folded text without its blanks.
    """

    dish: str
    confidence: float
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class _Found:
    dish: str
    start: int
    end: int


class DishDictionary:
    """Finds dishes by their names.

    Parameters
    ----------
    dishes
        The entries; where two share a name, the first keeps it.
    """

    def __init__(self, dishes: Iterable[Dish]) -> None:
        self.dishes = {dish.key: dish for dish in dishes}
        self._korean: dict[str, str] = {}
        self._english: dict[str, str] = {}
        for dish in self.dishes.values():
            for name in dish.names_ko:
                self._korean.setdefault(_repair(fold_text(name)).replace(" ", ""), dish.key)
            for name in dish.names_en:
                self._english.setdefault("".join(map(_stem, fold_text(name).split())), dish.key)
        self._korean_lengths = sorted({len(name) for name in self._korean}, reverse=True)
        self._words = {
            word
            for dish in self.dishes.values()
            for name in dish.names_en
            for word in fold_text(name).split()
        }
        self._korean_spelling = SpellingIndex(self._korean)
        self._english_spelling = SpellingIndex(self._english)

    @classmethod
    def load(cls) -> "DishDictionary":
        """Return the dictionary that lies in this package (read once per process)."""
        return _load_packaged()

    def match(self, title: str) -> DishMatch | None:
        """Find the dish that a title names.

        Parameters
        ----------
        title
            Title of a recipe in Korean or English, or a page's own dish name.

        Returns
        -------
        DishMatch or None
            None when no name of the dictionary is in the title.
        """
        folded = fold_text(title)
        repaired = _repair(folded)
        words = repaired.split()
        found = self._find_korean(words) if _HANGUL.search(repaired) else []
        found = found or self._find_english(words)
        if not found:
            return None
        last = max(found, key=lambda match: (match.end, -match.start))
        if len({match.dish for match in found}) > 1:
            return DishMatch(last.dish, 0.6, last.end)
        if last.end - last.start == sum(map(len, words)):
            return DishMatch(last.dish, 1.0, last.end)
        is_repaired = repaired != folded.replace("계란", "달걀")  # 계란 is no misspelling
        return DishMatch(last.dish, 0.8 if is_repaired else 0.9, last.end)

    def match_misspelt(self, name: str) -> str | None:
        """Find the dish whose name a text is but for one slip.

        Parameters
        ----------
        name
            A name alone, not a title.

        Returns
        -------
        str or None
            The dish's key.
        """
        words = fold_text(name).split()
        if _HANGUL.search(name):
            return self._korean_spelling.find("".join(words))
        found = self._english_spelling.find("".join(map(_stem, words)))
        return found if found and not self._is_another(words, found) else None

    def _is_another(self, words: list[str], key: str) -> bool:
        """Tell whether a short word is one of another name: bean stew is no misspelt beef stew."""
        own = {word for name in self.dishes[key].names_en for word in fold_text(name).split()}
        return any(len(word) <= _SHORT_WORD for word in (self._words.intersection(words) - own))

    def _find_korean(self, words: list[str]) -> list[_Found]:
        joined = "".join(words)
        ends = list(accumulate(map(len, words)))
        starts = {0, *ends}
        found: list[_Found] = []
        for start in range(len(joined)):
            for length in self._korean_lengths:
                dish = self._korean.get(joined[start : start + length])
                end = start + length
                if dish is None or end > len(joined):
                    continue
                is_glued = length <= _SHORT_NAME and start not in starts
                if is_glued and ends[bisect_right(ends, start)] < end:
                    continue
                if _ends_a_dish(joined, end, ends):
                    found.append(_Found(dish, start, end))
                    break
        return _drop_nested(found)

    def _find_english(self, words: list[str]) -> list[_Found]:
        stems = [_stem(word) for word in words]
        limit = _side_limit(words)
        edges = [0, *accumulate(map(len, words))]
        found: list[_Found] = []
        for start in range(limit):
            for end in range(min(len(words), start + _MAX_ENGLISH_WORDS), start, -1):
                dish = self._english.get("".join(stems[start:end]))
                is_vetoed = end < len(stems) and stems[end] in _ENGLISH_VETO
                if dish is not None and not is_vetoed:
                    found.append(_Found(dish, edges[start], edges[end]))
                    break
        return _drop_nested(found)


def _side_limit(words: list[str]) -> int:
    """Return where a side dish begins ("with rice")."""
    return next((i for i, word in enumerate(words) if i and word in _SIDE_WORDS), len(words))


def _ends_a_dish(joined: str, end: int, word_ends: list[int]) -> bool:
    if joined.startswith(_KOREAN_VETO, end):
        return joined.startswith(("맛있", "맛나", "맛집"), end)
    next_end = bisect_right(word_ends, end)
    if word_ends[next_end - 1] == end:  # -1 is the last: the end of everything
        return True
    word_end = word_ends[next_end]
    is_korean = _HANGUL.match(joined, end, word_end) is not None
    return not is_korean or _KOREAN_TAIL.match(joined, end, word_end) is not None


def _drop_nested(found: list[_Found]) -> list[_Found]:
    """Keep what lies inside no longer match, and the longer of two that overlap."""
    kept: list[_Found] = []
    is_taken = bytearray(max((match.end for match in found), default=0))
    for match in sorted(found, key=lambda match: (match.start - match.end, -match.start)):
        if not any(is_taken[match.start : match.end]):
            kept.append(match)
            is_taken[match.start : match.end] = b"\1" * (match.end - match.start)
    return kept


def _repair(folded: str) -> str:
    return _MISSPELT_PATTERN.sub(lambda match: _MISSPELT[match[0]], folded)


def _stem(word: str) -> str:
    """Make singular and plural alike; applied to names and titles, so it need not be right."""
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word.endswith("y") else word


@lru_cache(maxsize=1)
def _load_packaged() -> DishDictionary:
    content = resources.files("mmpipeline.text").joinpath("dishes.toml").read_text("utf-8")
    return DishDictionary(
        Dish(key, tuple(names["ko"]), tuple(names["en"]))
        for key, names in tomllib.loads(content).items()
    )
