"""The wording of drawn ingredients, cues and steps in Korean and English.

Which words are used for a thing is drawn independently of the dish, so wording makes search
harder (synonyms, noise, two languages) and leaves the oracle's bound as it is.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from mmpipeline.sample.world.densities import World
from mmpipeline.sample.world.dishes import IngredientSpec, Wordings, load_pantry
from mmpipeline.sample.world.draws import RecipeDraw
from mmpipeline.sample.world.habits import Habits
from mmpipeline.sample.world.sentences import (
    ASIDES,
    ENDINGS,
    FINISH,
    HEADERS,
    NOTES,
    PREPARE,
    SEASON,
    STYLES,
)

_FAVOUR = 1.25
_TITLE_FAVOUR = 4.0
_NOISE, _SECOND_NOISE = 0.8, 0.4


@dataclass(frozen=True)
class SampleIngredient:
    """One ingredient line: what, how much, and the header it stands under (Korean only)."""

    name: str
    amount: str
    group: str | None
    note: str = ""

    @property
    def line(self) -> str:
        """The line as a Recipe1M record holds it."""
        return f"{self.amount} {self.name}{self.note}".strip()


def write_title(world: World, draw: RecipeDraw, random: np.random.Generator, habits: Habits) -> str:
    """Write a chatty title around the drawn name or cues.

    Parameters
    ----------
    world
        Holds the dishes.
    draw
        The recipe's latents.
    random
        Stream of the recipe's words.
    habits
        Of its cook.

    Returns
    -------
    str
        The title.
    """
    language = draw.language
    cues = [_pick(random, cue_words(cue, language), _TITLE_FAVOUR) for cue in draw.cues]
    parts = _named(world, draw, random, cues) if draw.is_named else _unnamed(draw, random, cues)
    if random.random() < _NOISE:
        parts.insert(0, habits.choose(random, STYLES[language], 0))
    if random.random() < _SECOND_NOISE:
        parts.insert(0, habits.choose(random, STYLES[language], 5))
    if random.random() < _NOISE:
        parts.append(habits.choose(random, ENDINGS[language], 1))
    title = " ".join(parts)
    if language == "en" and random.random() < 0.8:
        return " ".join(word[:1].upper() + word[1:] for word in title.split())
    return title


def write_ingredients(
    draw: RecipeDraw, random: np.random.Generator, habits: Habits
) -> tuple[SampleIngredient, ...]:
    """Write the ingredient list: main ingredients first, then the seasonings.

    Parameters
    ----------
    draw
        The recipe's latents.
    random
        Stream of the recipe's words.
    habits
        Of its cook.

    Returns
    -------
    tuple of SampleIngredient
        One entry an included ingredient.
    """
    keys = random.permutation(np.flatnonzero(draw.included))
    specs = sorted((_spec(int(key)) for key in keys), key=lambda spec: spec.is_seasoning)
    headers = HEADERS[int(random.integers(len(HEADERS)))]
    has_groups = random.random() < 0.6
    amounts = load_pantry().amounts
    written = []
    for spec in specs:
        group = headers[spec.is_seasoning and has_groups] if draw.language == "ko" else None
        note = _any(random, NOTES) if draw.language == "en" else ""
        name = _name(spec, draw.language, random, habits)
        amount = _any(random, amounts[spec.kind][draw.language])
        written.append(SampleIngredient(name, amount, group, note))
    return tuple(written)


def write_steps(
    world: World,
    draw: RecipeDraw,
    random: np.random.Generator,
    habits: Habits,
    asides: int = 0,
) -> tuple[str, ...]:
    """Write the instructions around the mentioned ingredients and the drawn telling steps.

    Parameters
    ----------
    world
        Holds the dishes.
    draw
        The recipe's latents.
    random
        Stream of the recipe's words.
    habits
        Of its cook.
    asides
        Steps at most that say nothing about the dish.

    Returns
    -------
    tuple of str
        Four to seven sentences, and the asides.
    """
    language = draw.language
    specs = [_spec(int(key)) for key in random.permutation(np.flatnonzero(draw.mentioned))]
    mains = _names([spec for spec in specs if not spec.is_seasoning], language, random, habits)
    seasonings = _names([spec for spec in specs if spec.is_seasoning], language, random, habits)
    half = (len(mains) + 1) // 2
    first, second = mains[:half], mains[half:]
    steps = [_fill(habits.choose(random, PREPARE[language], 2), first, language)]
    if seasonings:
        steps.append(_fill(habits.choose(random, SEASON[language], 3), seasonings, language))
    family = list(load_pantry().families.values())[draw.cook]
    cook = family.cook[int(random.integers(len(family.cook)))][language]
    steps.append(_fill(cook, second, language))
    if draw.signature < len(world.dishes):
        steps.append(world.dishes[draw.signature].signature[language])
    steps.append(habits.choose(random, FINISH[language], 4))
    chosen = [habits.choose(random, ASIDES[language], 8 + number) for number in range(asides)]
    for aside in dict.fromkeys(chosen[: int(random.integers(asides + 1))]):
        steps.insert(int(random.integers(len(steps))), aside)
    return tuple(steps)


@cache
def cue_words(ingredient: int, language: str) -> tuple[str, ...]:
    """Return the words for an ingredient that hold no dish's name.

    "떡볶이떡" (cakes for tteokbokki) in a title would name a dish that the recipe is not.

    Parameters
    ----------
    ingredient
        Index of the ingredient.
    language
        ``ko`` or ``en``.

    Returns
    -------
    tuple of str
        The usable wordings.
    """
    names = [
        name.casefold()
        for dish in load_pantry().dishes
        for name in (*dish.names[language], *dish.misspelt[language])
    ]
    return tuple(
        word
        for word in _spec(ingredient).words[language]
        if not any(name in word.casefold() for name in names)
    )


def _named(
    world: World, draw: RecipeDraw, random: np.random.Generator, cues: list[str]
) -> list[str]:
    dish = world.dishes[draw.dish]
    source: Wordings = dish.misspelt if draw.is_misspelt else dish.names
    name = _pick(random, source[draw.language], _TITLE_FAVOUR)
    if random.random() < 0.35:
        return [cues[0], name]
    return [name]


def _unnamed(draw: RecipeDraw, random: np.random.Generator, cues: list[str]) -> list[str]:
    pantry = load_pantry()
    language = draw.language
    taste = _pick(random, list(pantry.tastes.values())[draw.taste][language], _TITLE_FAVOUR)
    method = _pick(
        random, list(pantry.families.values())[draw.method].methods[language], _TITLE_FAVOUR
    )
    if language == "ko":
        joint = _pick(random, ("으로 만든", "넣은", "듬뿍"), _FAVOUR)
        link = "로 만든" if joint == "으로 만든" and _open_syllable(cues[-1]) else joint
        last = f"{cues[-1]}{link}" if link.endswith("만든") else f"{cues[-1]} {link}"
        return [taste, *cues[:-1], last, method]
    if random.random() < 0.5:
        return [taste, " and ".join(cues), method]
    return [taste, method, "with", " and ".join(cues)]


def _spec(index: int) -> IngredientSpec:
    return load_pantry().ingredients[index]


def _names(
    specs: list[IngredientSpec], language: str, random: np.random.Generator, habits: Habits
) -> list[str]:
    return [_name(spec, language, random, habits) for spec in specs]


def _name(spec: IngredientSpec, language: str, random: np.random.Generator, habits: Habits) -> str:
    """Choose the word that the cook uses for an ingredient; the first ones are the common ones."""
    words = spec.words[language]
    kind = zlib.crc32(spec.key.encode())
    return words[int(len(words) * habits.place(random, kind) ** _FAVOUR)]


def _pick(random: np.random.Generator, options: Sequence[str], favour: float) -> str:
    """Choose a wording; the first ones are the common ones, as with real synonyms."""
    return options[int(len(options) * random.random() ** favour)]


def _any(random: np.random.Generator, options: Sequence[str]) -> str:
    """Choose among words that say nothing about the dish, all alike."""
    return options[int(random.integers(len(options)))]


def _fill(template: str, names: list[str], language: str) -> str:
    if language == "en":
        named = [f"the {name}" for name in names] or ["everything"]
        text = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    else:
        last = (names or ["재료"])[-1]
        text = ", ".join([*names[:-1], last + ("를" if _open_syllable(last) else "을")])
    return template.replace("{0}", text)


def _open_syllable(word: str) -> bool:
    """Whether a Hangul word ends without a final consonant (받침)."""
    code = ord(word[-1]) - 0xAC00
    return 0 <= code < 11172 and code % 28 == 0
