"""The language of a text, of those that the pipeline labels.

Scripts decide Korean; English is told from other Latin-script languages by counting function
words. That is enough for recipes (a few hundred letters) and needs no model file; a short foreign
title without a function word counts as English, which a statistical detector would not do better.
"""

import re
from typing import Literal

Language = Literal["ko", "en", "other"]

_HANGUL = re.compile(r"[\uac00-\ud7a3\u3131-\u318e\u1100-\u11ff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[a-z\u00e0-\u024f]+")

# A Korean recipe may hold brand names and units in Latin letters, and hardly ever the reverse.
_MIN_HANGUL_SHARE = 0.25
_MIN_LATIN_SHARE = 0.7
_MIN_FOREIGN_WORDS = 3
_ENGLISH = "the and of to in with for or until into add over cup cups heat from at on is it a"
_FOREIGN = (
    "le la les et des une du un avec der die und das mit ein eine den el los las y con una il di "
    "per e al della de da do em para com uma het een met van och med som att"
)
_ENGLISH_WORDS = frozenset(_ENGLISH.split())
_FOREIGN_WORDS = frozenset(_FOREIGN.split())


def detect_language(text: str) -> Language:
    """Tell Korean and English from everything else.

    Parameters
    ----------
    text
        Any amount of text; more is surer.

    Returns
    -------
    {"ko", "en", "other"}
        ``other`` also when the text holds no letter.
    """
    words = _WORD.findall(text.lower())
    if not text.isascii():
        letters = len(_LETTER.findall(text))
        if letters and len(_HANGUL.findall(text)) >= _MIN_HANGUL_SHARE * letters:
            return "ko"
        if len(_LATIN.findall(text)) < _MIN_LATIN_SHARE * letters:
            return "other"
    if not words:
        return "other"
    foreign = sum(map(_FOREIGN_WORDS.__contains__, words))
    english = sum(map(_ENGLISH_WORDS.__contains__, words))
    return "other" if foreign >= _MIN_FOREIGN_WORDS and foreign > english else "en"
