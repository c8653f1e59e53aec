"""Hangul in Latin letters, by the Revised Romanisation, syllable by syllable.

It follows the letters, and liaison (a final consonant before a vowel), but not assimilation: cooks
write 콩나물국 as kongnamul-guk. Good enough to compare by sound, not to print.

References
----------
The Revised Romanization of Korean, Ministry of Culture and Tourism, 2000.
"""

_INITIAL_LETTERS = "g kk n d tt r m b pp s ss - j jj ch k t p h"
_VOWEL_LETTERS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
_FINAL_LETTERS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p h"
_INITIALS, _VOWELS, _FINALS = (
    [sound.strip("-") for sound in letters.split()]
    for letters in (_INITIAL_LETTERS, _VOWEL_LETTERS, _FINAL_LETTERS)
)
_LINKED = {1: "g", 2: "kk", 7: "d", 8: "r", 17: "b", 19: "s", 20: "ss", 22: "j", 23: "ch"}
_FIRST, _SYLLABLES, _TO_A_VOWEL, _TO_AN_INITIAL = 0xAC00, 11172, 28, 588
_SILENT = 11  # the initial that is written and not heard


def romanize(text: str) -> str:
    """Write Hangul syllables in Latin letters; everything else stays.

    Parameters
    ----------
    text
        Such as ``콩나물국``.

    Returns
    -------
    str
        Such as ``kongnamulguk``.
    """
    codes = [ord(letter) - _FIRST for letter in text]
    return "".join(
        _sound(code, following) if _is_syllable(code) else letter
        for letter, code, following in zip(text, codes, [*codes[1:], -1], strict=False)
    )


def _sound(code: int, following: int) -> str:
    """Return the sound of one syllable before another one, both as places among all syllables."""
    final = code % _TO_A_VOWEL
    heard = _FINALS[final]
    if _is_syllable(following) and following // _TO_AN_INITIAL == _SILENT:
        heard = _LINKED.get(final, heard)
    initial, vowel = code // _TO_AN_INITIAL, code % _TO_AN_INITIAL // _TO_A_VOWEL
    return _INITIALS[initial] + _VOWELS[vowel] + heard


def _is_syllable(code: int) -> bool:
    return 0 <= code < _SYLLABLES
