"""Phrases: in both languages, none twice, and none that names a dish or an ingredient."""

import pytest

from mmpipeline.sample.world import sentences as phrases
from mmpipeline.sample.world.dishes import load_pantry

LISTS = ("STYLES", "ENDINGS", "PREPARE", "SEASON", "FINISH", "ASIDES")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_phrase_stands_twice(name: str, language: str) -> None:
    options = getattr(phrases, name)[language]
    assert len(set(options)) == len(options) >= 3


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_phrases_name_no_dish(name: str, language: str) -> None:
    names = [
        word.casefold()
        for dish in load_pantry().dishes
        for word in (*dish.names[language], *dish.misspelt[language])
        if len(word) > 2
    ]
    text = " / ".join(getattr(phrases, name)[language]).casefold()
    assert [word for word in names if word in text] == []


def test_asides_have_no_place_for_ingredients() -> None:
    assert not any("{0}" in aside for asides in phrases.ASIDES.values() for aside in asides)
