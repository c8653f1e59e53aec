"""Words: particles that fit, lists that read, cues that name no dish."""

from importlib import resources

import pytest

from mmpipeline.catalog.labels.title_parts import is_listed_noise
from mmpipeline.sample.world.dishes import load_pantry
from mmpipeline.sample.world.sentences import ENDINGS, STYLES
from mmpipeline.sample.world.wording import SampleIngredient, _fill, cue_words
from mmpipeline.text.normalize import fold_text

LEAST_UNKNOWN_SHARE = 0.6


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_ingredient_can_be_a_cue(language: str) -> None:
    assert all(cue_words(row, language) for row in range(len(load_pantry().ingredients)))


def test_cue_words_hold_no_dish_name() -> None:
    keys = [spec.key for spec in load_pantry().ingredients]
    assert cue_words(keys.index("rice-cake"), "ko") == ("떡", "가래떡")


@pytest.mark.parametrize(
    ("names", "language", "expected"),
    [
        (["두부"], "ko", "두부를 썬다"),
        (["김치", "당근"], "ko", "김치, 당근을 썬다"),
        ([], "ko", "재료를 썬다"),
    ],
)
def test_korean_object_particle_follows_the_last_syllable(
    names: list[str], language: str, expected: str
) -> None:
    assert _fill("{0} 썬다", names, language) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["tofu"], "Cut the tofu."),
        (["tofu", "egg", "leek"], "Cut the tofu, the egg and the leek."),
        ([], "Cut everything."),
    ],
)
def test_english_lists_read_naturally(names: list[str], expected: str) -> None:
    assert _fill("Cut {0}.", names, "en") == expected


def test_line_without_amount_has_no_leading_space() -> None:
    assert SampleIngredient("salt", "", None).line == "salt"
    assert SampleIngredient("salt", "1 pinch", None, ", divided").line == "1 pinch salt, divided"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_most_title_phrases_stand_in_no_list_of_the_labeller(language: str) -> None:
    dictionary = resources.files("mmpipeline.text").joinpath("dishes.toml").read_text("utf-8")
    folded = f" {fold_text(dictionary)} "
    phrases = [text for text in map(fold_text, (*STYLES[language], *ENDINGS[language])) if text]
    unknown = [
        phrase
        for phrase in phrases
        if not any(map(is_listed_noise, phrase.split())) and f" {phrase} " not in folded
    ]
    assert len(unknown) >= LEAST_UNKNOWN_SHARE * len(phrases)
