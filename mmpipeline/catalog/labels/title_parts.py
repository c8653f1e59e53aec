"""A title in parts: its core, which may be a name, and the noise before and behind it.

Noise is what the lists here hold ("초간단", "황금레시피", "easy", "recipe") and what was learnt
beside them; in English also what follows "with" or "for". The lists are ours; nothing here knows
any particular dish.
"""

import re
from collections.abc import Iterable

from mmpipeline.catalog.labels.title_noise import DressedTitle, TitleNoise, learn_title_noise
from mmpipeline.text.normalize import fold_text

_HANGUL = re.compile(r"[가-힣]")
_MAX_CORE_WORDS = 8
_SIDES = "with w for from using without in on over"
_SIDE_WORDS = frozenset(_SIDES.split())
_NOISE_WORDS = (
    "a an the my our your mom moms mama grandma grandmas grandpa aunt uncle s easy easiest "
    "quick quickest simple simplest best better ever favorite favourite favorites homemade "
    "home made style family way recipe recipes classic traditional authentic original perfect "
    "ultimate basic super very so delicious tasty yummy healthy low fat free light lighter "
    "skinny fast minute minutes min hour weeknight weekend everyday foolproof old fashioned "
    "real great good amazing awesome famous restaurant copycat secret special version i ii "
    "iii iv step by steps no fail beginners beginner two one pot dish meal dinner lunch "
    "supper idea ideas"
)
_NOISE_EN = frozenset(_NOISE_WORDS.split())
_NO_NAMES = (
    "soup stew salad sauce cake pie bread dip bowl skillet fry braise plate platter snack "
    "side dessert drink appetizer casserole bake roast chicken beef pork fish shrimp turkey "
    "lamb rice pasta noodle noodles potatoes vegetables veggies treat treats stuff thing "
    "things bites bars cookies muffins pancakes salsa"
)
HEADS_EN = frozenset(_NO_NAMES.split())
_NOISE_KO = re.compile(
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
NO_TITLE_NOISE = TitleNoise()


def is_korean(text: str) -> bool:
    """Tell whether a text holds Hangul."""
    return _HANGUL.search(text) is not None


def is_listed_noise(word: str) -> bool:
    """Tell whether a folded word is noise that the lists of this module hold."""
    if _HANGUL.search(word):
        return _NOISE_KO.fullmatch(word) is not None
    return word in _NOISE_EN or word.isdecimal()


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
    title_noise
        What was learnt beside the lists.

    Returns
    -------
    core : str
        Folded words; empty when nothing is left.
    is_whole : bool
        False when the title went on, as with "with rice": what stands before that may be a
        description as well as a name. "for two" and a phrase learnt as noise do not count.
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
    title_core
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


def learn_noise_beside_lists(titles: Iterable[DressedTitle]) -> TitleNoise:
    """Learn the noise of one language that the lists of this module lack.

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
