"""Names of one dish in two languages, found by their sound.

Names that no dictionary holds are mined in each language by itself, so one dish is ``ko:감자탕``
in one half of the catalogue and ``en:gamjatang`` in the other. Where the Korean name, written in
Latin letters, sounds as the English one does, they are one dish. Words that Korean borrowed sound
alike in their consonants and get further vowels (토마토스파게티, "tomato spaghetti"); these are
compared by consonants, and only where many of them agree. Where several names of one language
sound alike, the commonest is taken and the others stay as they are.

Translated names (감자탕, "pork bone soup") are not found: that is for the dictionary. Its own
names, each language by itself, measure the precision: of 201 Korean and 293 English ones of 114
dishes, all 116 pairs that sound alike are of one dish.
"""

import re
from collections.abc import Callable, Mapping
from difflib import SequenceMatcher

from mmpipeline.text.romanization import romanize
from mmpipeline.text.spelling import spelling_form

_FEWEST_CONSONANTS = 6
_LEAST_LIKENESS = 0.7
_VOWELS = re.compile("[aeiou]")
_BORROWED = str.maketrans("fhv", "bbb")
"""Korean has no f and no v: it writes them ㅍ, ㅂ or ㅎ."""

Sounds = dict[str, str]
"""How a name sounds, by its key."""


def join_names(counts: Mapping[str, int]) -> dict[str, str]:
    """Find English names that are Korean ones by sound.

    Parameters
    ----------
    counts
        How many recipes have each dish, by keys such as ``ko:감자탕`` and ``en:gamjatang``; others
        do not matter.

    Returns
    -------
    dict of str to str
        The Korean key, by the English one. No key occurs twice.
    """
    korean = _listen(counts, "ko:")
    english = _listen(counts, "en:")
    joined = _match(korean, english, counts, lambda sound: sound)
    known = {*joined, *joined.values()}
    korean, english = (
        {key: _borrow(sound) for key, sound in sounds.items() if key not in known}
        for sounds in (korean, english)
    )
    borrowed = _match(korean, english, counts, _consonants)
    return joined | {
        found: key
        for found, key in borrowed.items()
        if _likeness(korean[key], english[found]) >= _LEAST_LIKENESS
    }


def _listen(counts: Mapping[str, int], prefix: str) -> Sounds:
    keys = (key for key in counts if key.startswith(prefix))
    sounds = {key: spelling_form(romanize(key.removeprefix(prefix))) for key in keys}
    return {key: sound for key, sound in sounds.items() if sound is not None and sound.isascii()}


def _match(
    korean: Sounds, english: Sounds, counts: Mapping[str, int], form_of: Callable[[str], str]
) -> dict[str, str]:
    first, second = (_commonest(sounds, counts, form_of) for sounds in (korean, english))
    return {second[form]: key for form, key in first.items() if form and form in second}


def _commonest(
    sounds: Sounds, counts: Mapping[str, int], form_of: Callable[[str], str]
) -> dict[str, str]:
    """Return the commonest key by form; of equally common ones the last in the alphabet."""
    ranked = sorted(sounds, key=lambda key: (counts[key], key))
    return {form_of(sounds[key]): key for key in ranked}


def _borrow(sound: str) -> str:
    return sound.replace("gh", "g").translate(_BORROWED)


def _consonants(sound: str) -> str:
    """Return the consonants of a sound; nothing where they are too few to tell."""
    found = _VOWELS.sub("", sound)
    return found if len(found) >= _FEWEST_CONSONANTS else ""


def _likeness(first: str, second: str) -> float:
    """Return the share of letters in common; 0 where lengths alone keep it below the least."""
    together = len(first) + len(second)
    if 2 * min(len(first), len(second)) < _LEAST_LIKENESS * together:
        return 0.0  # comparing takes the square of the length
    return SequenceMatcher(None, first, second, autojunk=False).ratio()
