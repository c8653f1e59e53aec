"""Dish names that no dictionary holds, mined from titles.

A title is reduced to its core: chatter before and behind it goes ("초간단", "황금레시피", "easy",
"recipe", and what `chatter` learnt), in English also what follows "with" or "for". A name is then
a core that is the whole of several titles, or in Korean a last word of several titles that ends
like a dish (국, 볶음, 파스타). An English core counts once more without its own ingredients before
it ("beef jangjorim"); but what hardly ever stands without one ("noodle bowl") describes and names
nothing. Other titles hold a name when their core ends in it ("강원도옹심이국", "Lazy Day Cabbage
Rolls"), or does so but for one slip.

Names are counted, not understood: a phrase that several cooks use alone is taken for a dish, and
a dish that everybody dresses up differently is missed. The lists of chatter and of endings are
ours; nothing here knows any particular dish.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmpipeline.catalog.labels.title_noise import DressedTitle, TitleNoise, learn_title_noise
from mmpipeline.text.dishes import DishDictionary
from mmpipeline.text.normalize import fold_text
from mmpipeline.text.spelling import SpellingIndex

MINED_CONFIDENCE, MISSPELT_CONFIDENCE = 0.75, 0.65
_HANGUL = re.compile(r"[가-힣]")
_MAX_CORE_WORDS = 8
_LEAST_ALONE_SHARE = 0.25  # a description ("pork noodle bowl") always says of what
_MAX_NAME_WORDS = 4
_MAX_KOREAN_LETTERS = 12
_MAX_TAIL_LETTERS = 64  # far beyond any name, with a slip and words of other letters in it

_SIDES = "with w for from using without in on over"
_SIDE_WORDS = frozenset(_SIDES.split())
_CHATTER_WORDS = (
    "a an the my our your mom moms mama grandma grandmas grandpa aunt uncle s easy easiest "
    "quick quickest simple simplest best better ever favorite favourite favorites homemade "
    "home made style family way recipe recipes classic traditional authentic original perfect "
    "ultimate basic super very so delicious tasty yummy healthy low fat free light lighter "
    "skinny fast minute minutes min hour weeknight weekend everyday foolproof old fashioned "
    "real great good amazing awesome famous restaurant copycat secret special version i ii "
    "iii iv step by steps no fail beginners beginner two one pot dish meal dinner lunch "
    "supper idea ideas"
)
_CHATTER_EN = frozenset(_CHATTER_WORDS.split())
_NO_NAMES = (
    "soup stew salad sauce cake pie bread dip bowl skillet fry braise plate platter snack "
    "side dessert drink appetizer casserole bake roast chicken beef pork fish shrimp turkey "
    "lamb rice pasta noodle noodles potatoes vegetables veggies treat treats stuff thing "
    "things bites bars cookies muffins pancakes salsa"
)
HEADS_EN = frozenset(_NO_NAMES.split())

_CHATTER_KO = re.compile(
    r"초?간단한?|초스피드|엄마표|할머니표|집밥|자취생|자취|요리초보도?|초보도?|쉬운|쉽게|"
    r"맛있는|맛있게|맛있어요?|"
    r"황금|비법|공개|백종원|집에서|혼자|주말|별미|한끼|한그릇|뚝딱|온가족이?|좋아하는|"
    r"최고의?|대박|진짜|정말|"
    r"만들기|만드는|만들어|만드세요|만들었어요|만든|레시피|황금레시피|법|방법|하는|하기|"
    r"이렇게|끓이기|끓이는|끓이는법|"
    r"만드는법|만드는방법|하는법|비결|꿀팁|팁|추천|버전|스타일|정석|완성|성공|도전|먹기|"
    r"먹는|드세요|해요|해먹기|"
    r"요즘|오늘은?|오늘의|저녁|아침|점심|메뉴|반찬|밑반찬|식당보다|식당|냉장고|털기|"
    r"파먹기|\d+분|\d+|요리"
)
_GENERIC_KO = re.compile(
    r".*(?:요리|반찬|그릇|메뉴|접시|음식|안주|냄비|간식|식탁|보양식|별미|도시락|한끼|식사|"
    r"양념|양념장|소스|육수|"
    r"만든|넣은|듬뿍|방법|레시피|이야기|모음|추천|손질|손질법|보관법|활용|활용법|재료|"
    r"가루|디저트|야식|국물)"
)
_HEADS_KO = (
    "국", "탕", "찌개", "전골", "볶음", "조림", "무침", "나물", "전", "찜", "구이", "밥", "국수",
    "면", "죽", "떡",
    "김치", "치킨", "갈비", "파스타", "스파게티", "샐러드", "수프", "스프", "스튜", "카레",
    "튀김", "말이", "쌈", "케이크",
    "케익", "쿠키", "파이", "빵", "잼", "주스", "쥬스", "라떼", "에이드", "토스트", "버거",
    "샌드위치", "스테이크",
)  # fmt: skip
_LONG_HEADS_KO = (
    "볶음밥", "덮밥", "비빔밥", "초밥", "김밥", "강정", "피자", "장아찌", "짠지", "젓갈",
    "샤브샤브", "불고기", "수육",
    "만두", "부침개", "리조또", "그라탕", "머핀", "해장국", "냉국", "냉면", "떡볶이",
    "잡채", "수제비",
)  # fmt: skip
NO_TITLE_NOISE = TitleNoise()
_ENDINGS_KO = sorted((*_HEADS_KO, *_LONG_HEADS_KO), key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class MinedName:
    """A name found in a title.

    Attributes
    ----------
    key
        Language and name without blanks, such as ``ko:옹심이국``.
    name
        As it is shown.
    confidence
        0.75, or 0.65 where the title misspells it.
    """

    key: str
    name: str
    confidence: float


def is_korean(text: str) -> bool:
    """Tell whether a text holds Hangul."""
    return _HANGUL.search(text) is not None


def is_listed_noise(word: str) -> bool:
    """Tell whether a folded word is chatter that the lists of this module hold."""
    if _HANGUL.search(word):
        return _CHATTER_KO.fullmatch(word) is not None
    return word in _CHATTER_EN or word.isdecimal()


def split_words(title: str) -> list[str]:
    """Fold a title into words; in English what begins like a side dish is one word.

    Parameters
    ----------
    title
        Korean or English.

    Returns
    -------
    list of str
        Such as ``["easy", "pie", "from scratch"]`` or ``["초간단", "감자국"]``.
    """
    words = fold_text(title).split()
    side = len(words)
    if not is_korean(title):
        side = next((i for i, word in enumerate(words) if i and word in _SIDE_WORDS), side)
    return [*words[:side], " ".join(words[side:])] if side < len(words) else words


def find_title_core(title: str, title_noise: TitleNoise = NO_TITLE_NOISE) -> tuple[str, bool]:
    """Reduce a title to what may be a name, with what qualifies it before.

    Parameters
    ----------
    title
        Korean or English.
    chatter
        What was learnt beside the lists.

    Returns
    -------
    core : str
        Folded words; empty when nothing is left.
    is_whole : bool
        False when the title went on, as with "with rice": what stands before that may be a
        description as well as a name. "for two" and a phrase learnt as chatter do not count.
    """
    words = split_words(title)
    side = words.pop() if words and " " in words[-1] else ""
    is_whole = not side or side.startswith("for ") or side in title_noise.trailing
    start, stop = 0, len(words)
    while stop > start and (
        is_listed_noise(words[stop - 1]) or words[stop - 1] in title_noise.trailing
    ):
        stop -= 1
    while start < stop and (is_listed_noise(words[start]) or words[start] in title_noise.leading):
        start += 1
    return " ".join(words[start:stop][-_MAX_CORE_WORDS:]), is_whole


def drop_ingredients(title_core: str, ingredients: str) -> str:
    """Drop the words at the head of an English core that its own recipe lists as ingredients.

    "beef brisket jangjorim" of a recipe with beef brisket is a jangjorim.

    Parameters
    ----------
    core
        What `find_title_core` returned.
    ingredients
        Folded ingredient lines.

    Returns
    -------
    str
        At least the last two words; Korean as it is, where the last word is the name.
    """
    words = title_core.split()
    if is_korean(title_core):
        return title_core
    listed = set(ingredients.split())
    start = 0
    while start < len(words) - 2 and words[start] in listed:
        start += 1
    return " ".join(words[start:])


def learn_chatter_beside_lists(titles: Iterable[DressedTitle]) -> TitleNoise:
    """Learn the chatter of one language that the lists of this module lack.

    Parameters
    ----------
    titles
        The titles.

    Returns
    -------
    TitleNoise
        Without the listed words.
    """
    found = list(titles)
    words = {word for title in found for word in title.words}
    listed = frozenset(filter(is_listed_noise, words))
    return learn_title_noise(found, TitleNoise(listed, listed), HEADS_EN)


def count_names(
    title_cores: Iterable[tuple[str, int, int]], dictionary: DishDictionary, min_titles: int
) -> dict[str, int]:
    """Learn names from cores.

    Parameters
    ----------
    cores
        Distinct whole cores, bare ones included; how many titles that are no copies of one another
        have each, and how many of these have it without any ingredient before.
    dictionary
        Names that it knows, or knows but for a slip, are not learnt.
    min_titles
        A name must be used in so many titles.

    Returns
    -------
    dict of str to int
        The names, and how many titles use each.
    """
    last_words: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for title_core, titles, alone in title_cores:
        last = title_core.rsplit(" ", 1)[-1] if is_korean(title_core) else ""
        if last and _ends_like_a_dish(last):
            last_words[last] += titles
        elif alone >= _LEAST_ALONE_SHARE * titles:
            names[title_core] += titles
    return {
        name: titles
        for name, titles in (names | last_words).items()
        if titles >= min_titles and _may_be_name(name, dictionary)
    }


class NameMiner:
    """Finds learnt names in cores.

    Parameters
    ----------
    names
        What `count_names` returned.
    dictionary
        Dishes that are known beforehand.
    """

    def __init__(self, names: Mapping[str, int], dictionary: DishDictionary) -> None:
        self._dictionary = dictionary
        self.counts = names
        self._spelling = SpellingIndex({
            name.replace(" ", ""): self._reduce(name) for name in sorted(self.counts)
        })

    def find(self, title_core: str) -> MinedName | None:
        """Find the name that a core ends in.

        Parameters
        ----------
        core
            What `find_title_core` returned.

        Returns
        -------
        MinedName or None
            None when it ends in no name.
        """
        tails = list(_tails(title_core))
        for tail in tails:
            if tail in self.counts:
                return _named(self._reduce(tail), MINED_CONFIDENCE)
        for tail in tails:
            found = self._spelling.find(tail.replace(" ", ""))
            if found is not None:
                return _named(found, MISSPELT_CONFIDENCE)
        return None

    def find_misspelt(self, title_core: str) -> str | None:
        """Return the dictionary's dish that a core ends in but for one slip."""
        found = (self._dictionary.match_misspelt(tail) for tail in _tails(title_core))
        return next((dish for dish in found if dish is not None), None)

    def _reduce(self, name: str) -> str:
        """Return the shortest name in a name that is used as often alone: the qualifiers go."""
        best = name
        for tail in _tails(name):
            if self.counts.get(tail, 0) >= self.counts[best]:
                best = tail
        return best


def _may_be_name(name: str, dictionary: DishDictionary) -> bool:
    if is_korean(name):
        is_generic = _GENERIC_KO.fullmatch(name) is not None or name in _HEADS_KO
        is_named = 2 <= len(name) <= _MAX_KOREAN_LETTERS and not is_generic
    else:
        words = name.split()
        is_named = len(name) > 2 and len(words) <= _MAX_NAME_WORDS and name not in HEADS_EN
    return is_named and dictionary.match_misspelt(name) is None


def _named(name: str, confidence: float) -> MinedName:
    language = "ko" if _HANGUL.search(name) else "en"
    return MinedName(f"{language}:{name.replace(' ', '')}", name, confidence)


def _tails(title_core: str) -> Iterable[str]:
    """Yield the endings of a core that may be names, the longest first; none of over 64 letters."""
    words = title_core.split()
    if not _HANGUL.search(title_core):
        for start in range(max(0, len(words) - _MAX_NAME_WORDS), len(words)):
            yield " ".join(words[start:])
        return
    joined = "".join(words[-2:])
    if len(words) > 1 and len(joined) <= _MAX_TAIL_LETTERS:
        yield joined
    last = words[-1]
    for start in range(max(0, len(last) - _MAX_TAIL_LETTERS), len(last) - 1):
        yield last[start:]


def _ends_like_a_dish(word: str) -> bool:
    if word in _LONG_HEADS_KO:
        return True
    head = next((head for head in _ENDINGS_KO if word.endswith(head)), None)
    return head is not None and len(word) > len(head)


def label_title_core(
    title_core: str, miner: NameMiner
) -> tuple[str | None, float | None, str | None]:
    """Label a title in which the dictionary found nothing.

    Parameters
    ----------
    core
        Its core.
    miner
        The names learnt.

    Returns
    -------
    dish, confidence, name
        None where nothing is found; the name only of a mined dish.
    """
    mined = miner.find(title_core) if title_core else None
    if mined is not None and mined.confidence == MINED_CONFIDENCE:
        return mined.key, mined.confidence, mined.name
    misspelt = miner.find_misspelt(title_core) if title_core else None
    if misspelt is not None:
        return misspelt, MISSPELT_CONFIDENCE, None
    return (mined.key, mined.confidence, mined.name) if mined else (None, None, None)
