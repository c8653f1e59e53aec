"""Names found in spite of one slip: a wrong letter, a lacking one, one too many.

Korean is compared by the letters that its syllables are made of, romanised Korean and English by
sound, for 찌개 is written jjigae, jigae and chigae. Every name is stored under all forms that lack
one letter; two words that share such a form are one slip apart. That makes a lookup cost as many
probes as the word has letters, whatever the size of the dictionary.

The first syllable or letter must be right: 배추전 is no misspelt 부추전.
"""

import re
import unicodedata
from collections.abc import Iterator

from mmpipeline.text.normalize import normalize_form

MOST_LETTERS = 200
"""What is longer is no name of a dish; each letter costs a form as long as the name."""

_FEWEST_SYLLABLES = 3
_FEWEST_LETTERS = 6
_FEWEST_SOUNDS = 4
_SOUNDS = (
    ("oo", "u"), ("ou", "u"), ("eu", "u"), ("eo", "o"), ("ee", "i"), ("ea", "i"), ("ae", "e"),
    ("ai", "e"),
    ("ph", "f"), ("ck", "k"), ("ch", "j"), ("c", "k"), ("k", "g"), ("p", "b"), ("t", "d"),
    ("r", "l"),
    ("z", "j"), ("y", "i"), ("w", "u"),
)  # fmt: skip
_REPEATED = re.compile(r"(.)\1+")


class SpellingIndex:
    """Finds names one slip away.

    Parameters
    ----------
    names
        What is found, by its name: Hangul without blanks, or words of letters without blanks. Of
        more than `MOST_LETTERS` letters (Hangul counts its parts) none is found.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self._exact: dict[str, str] = {}
        self._lacking: dict[str, str] = {}
        self._most_letters = 0
        for name, value in names.items():
            form = spelling_form(name)
            if form is None or len(form) > MOST_LETTERS:
                continue
            self._exact.setdefault(form, value)
            self._most_letters = max(self._most_letters, len(form))
            for shorter in _without_one(form):
                self._lacking.setdefault(shorter, value)

    def find(self, word: str) -> str | None:
        """Return what the name nearest to a word stands for.

        Parameters
        ----------
        word
            As names are given.

        Returns
        -------
        str or None
            None when no name is within one slip, or the word is too short to tell.
        """
        form = spelling_form(word)
        if form is None or not self._exact or len(form) > self._most_letters + 1:
            return None
        found = self._exact.get(form) or self._lacking.get(form)
        if found is not None or len(form) < _FEWEST_LETTERS:
            return found
        for shorter in _without_one(form):
            found = self._exact.get(shorter) or self._lacking.get(shorter)
            if found is not None:
                return found
        return None


def spelling_form(word: str) -> str | None:
    """Return the letters that a word is compared by; None when it is too short.

    Parameters
    ----------
    word
        Hangul or Latin letters, without blanks.

    Returns
    -------
    str or None
        Jamo of Hangul; of Latin letters what is left when sounds that are confused are alike.
    """
    if not word.isascii():
        return normalize_form("NFD", word) if len(word) >= _FEWEST_SYLLABLES else None
    if len(word) < _FEWEST_LETTERS - 1:
        return None
    for spelt, sound in _SOUNDS:
        word = word.replace(spelt, sound)
    form = _REPEATED.sub(r"\1", word)
    return form if len(form) >= _FEWEST_SOUNDS else None


def _without_one(form: str) -> Iterator[str]:
    """Yield the form without each of its letters but the first ones."""
    fixed = 1 if form.isascii() else len(unicodedata.normalize("NFD", _first_syllable(form)))
    for position in range(fixed, len(form)):
        yield form[:position] + form[position + 1 :]


def _first_syllable(form: str) -> str:
    return unicodedata.normalize("NFC", form)[:1]
