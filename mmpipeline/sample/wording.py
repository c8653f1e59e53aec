"""Turns drawn ingredients, cues and steps into Korean and English sentences.

Which words are used for a thing is drawn independently of the dish, so wording makes search
harder (synonyms, chatter, two languages) and leaves the oracle's bound as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from mmpipeline.sample.densities import World
from mmpipeline.sample.dishes import IngredientSpec, Wordings, load_pantry
from mmpipeline.sample.draws import RecipeDraw

_STYLES = {
    "ko": (
        "초간단", "엄마표", "집밥", "온가족이 좋아하는", "자취생",
        "남편이 반한", "시어머니께 배운", "퇴근 후 후다닥", "손님상에 올리는", "입맛 없을 때",
        "캠핑장 인기만점", "칭찬받은", "두고두고 생각나는", "야밤에 당기는", "술술 넘어가는",
    ),
    "en": (
        "Easy", "Weeknight", "Grandma's", "The Best", "Homemade",
        "Lazy Sunday", "Crowd Pleasing", "Cozy", "Budget Friendly", "Company Worthy",
        "Church Potluck", "Award Winning", "Go To", "Picky Eater Approved", "Nonna Approved",
    ),
}  # fmt: skip
_ENDINGS = {
    "ko": (
        "만들기", "황금레시피", "만드는 법",
        "해봤어요", "후딱 차려내기", "자세히 알려드려요", "이 맛이지", "실패 없이", "^^", "~",
    ),
    "en": (
        "Recipe", "for Beginners", "(Step by Step)",
        "You Will Crave", "Everyone Loves", "Worth Repeating", "(Freezer Friendly)", "Revisited",
        "from Scratch",
    ),
}  # fmt: skip
_FAVOUR = 1.25
_TITLE_FAVOUR = 4.0
_CHATTER = 0.8
_NOTES = ("", "", "", ", chopped", ", divided", ", or more to taste", " (optional)")
_PREPARE = {
    "ko": (
        "{0} 깨끗이 씻어 먹기 좋은 크기로 썬다.", "먼저 {0} 손질해서 준비해 주세요.",
        "{0} 한입 크기로 잘라 둔다.",
        "{0} 키친타월로 물기를 닦고 준비합니다.",
    ),
    "en": (
        "Wash {0} and cut into bite-size pieces.", "First, get {0} ready.",
        "Trim {0} and set aside.",
        "Pat {0} dry and cut everything to the same size.",
    ),
}  # fmt: skip
_SEASON = {
    "ko": (
        "볼에 {0} 섞어 양념을 만든다.",
        "{0} 분량대로 넣고 고루 섞어 주세요.",
        "간은 {0} 넣어 맞춘다.",
    ),
    "en": ("Whisk {0} together in a small bowl.", "Season with {0}.", "Stir in {0} and taste."),
}
_FINISH = {
    "ko": (
        "그릇에 담아내면 완성입니다.",
        "마지막으로 간을 보고 불을 끈다.",
        "예쁘게 담아 맛있게 드세요~",
    ),
    "en": ("Serve hot.", "Taste, adjust and turn off the heat.", "Plate it up and enjoy!"),
}
_HEADERS = (
    ("[재료]", "[양념]"),
    ("[필수재료]", "[양념장]"),
    ("[주재료]", "[양념재료 ]"),
    ("[재료 (2인분)]", "[양념]"),
)


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


def write_title(world: World, draw: RecipeDraw, random: np.random.Generator) -> str:
    """Write a chatty title around the drawn name or cues.

    Parameters
    ----------
    world
        Holds the dishes.
    draw
        The recipe's latents.
    random
        Stream of the recipe's words.

    Returns
    -------
    str
        The title.
    """
    language = draw.language
    cues = [_pick(random, cue_words(cue, language), _TITLE_FAVOUR) for cue in draw.cues]
    parts = _named(world, draw, random, cues) if draw.is_named else _unnamed(draw, random, cues)
    if random.random() < _CHATTER:
        parts.insert(0, _any(random, _STYLES[language]))
    if random.random() < _CHATTER:
        parts.append(_any(random, _ENDINGS[language]))
    title = " ".join(parts)
    if language == "en" and random.random() < 0.8:
        return " ".join(word[:1].upper() + word[1:] for word in title.split())
    return title


def write_ingredients(
    draw: RecipeDraw, random: np.random.Generator
) -> tuple[SampleIngredient, ...]:
    """Write the ingredient list: main ingredients first, then the seasonings.

    Parameters
    ----------
    draw
        The recipe's latents.
    random
        Stream of the recipe's words.

    Returns
    -------
    tuple of SampleIngredient
        One entry an included ingredient.
    """
    keys = random.permutation(np.flatnonzero(draw.included))
    specs = sorted((_spec(int(key)) for key in keys), key=lambda spec: spec.is_seasoning)
    headers = _HEADERS[int(random.integers(len(_HEADERS)))]
    has_groups = random.random() < 0.6
    amounts = load_pantry().amounts
    written = []
    for spec in specs:
        group = headers[spec.is_seasoning and has_groups] if draw.language == "ko" else None
        note = _any(random, _NOTES) if draw.language == "en" else ""
        name = _pick(random, spec.words[draw.language])
        amount = _any(random, amounts[spec.kind][draw.language])
        written.append(SampleIngredient(name, amount, group, note))
    return tuple(written)


def write_steps(world: World, draw: RecipeDraw, random: np.random.Generator) -> tuple[str, ...]:
    """Write the instructions around the mentioned ingredients and the drawn telling steps.

    Parameters
    ----------
    world
        Holds the dishes.
    draw
        The recipe's latents.
    random
        Stream of the recipe's words.

    Returns
    -------
    tuple of str
        Four to seven sentences.
    """
    language = draw.language
    specs = [_spec(int(key)) for key in random.permutation(np.flatnonzero(draw.mentioned))]
    mains = _names([spec for spec in specs if not spec.is_seasoning], language, random)
    seasonings = _names([spec for spec in specs if spec.is_seasoning], language, random)
    half = (len(mains) + 1) // 2
    first, second = mains[:half], mains[half:]
    steps = [_fill(_any(random, _PREPARE[language]), first, language)]
    if seasonings:
        steps.append(_fill(_any(random, _SEASON[language]), seasonings, language))
    family = list(load_pantry().families.values())[draw.cook]
    cook = family.cook[int(random.integers(len(family.cook)))][language]
    steps.append(_fill(cook, second, language))
    if draw.signature < len(world.dishes):
        steps.append(world.dishes[draw.signature].signature[language])
    steps.append(_any(random, _FINISH[language]))
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
        joint = _pick(random, ("으로 만든", "넣은", "듬뿍"))
        link = "로 만든" if joint == "으로 만든" and _open_syllable(cues[-1]) else joint
        last = f"{cues[-1]}{link}" if link.endswith("만든") else f"{cues[-1]} {link}"
        return [taste, *cues[:-1], last, method]
    if random.random() < 0.5:
        return [taste, " and ".join(cues), method]
    return [taste, method, "with", " and ".join(cues)]


def _spec(index: int) -> IngredientSpec:
    return load_pantry().ingredients[index]


def _names(specs: list[IngredientSpec], language: str, random: np.random.Generator) -> list[str]:
    return [_pick(random, spec.words[language]) for spec in specs]


def _pick(random: np.random.Generator, options: Sequence[str], favour: float = _FAVOUR) -> str:
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
