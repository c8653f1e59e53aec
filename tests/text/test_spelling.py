import pytest

from mmpipeline.text.spelling import SpellingIndex, spelling_form

INDEX = SpellingIndex({
    name: name
    for name in ("김치찌개", "갈비찜", "부추전", "kimchijjigae", "bulgogi", "lasagna", "pho")
})


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("김치찌게", "김치찌개"),
        ("김치찌개", "김치찌개"),
        ("갈비찝", "갈비찜"),
        ("배추전", None),  # another dish, though one letter away
        ("갈비", None),
        ("kimcheejigae", "kimchijjigae"),
        ("gimchichigae", "kimchijjigae"),
        ("bulgolgi", "bulgogi"),
        ("lasange", None),
        ("lasana", "lasagna"),
        ("pha", None),
        ("", None),
    ],
)
def test_one_slip_is_forgiven(word: str, name: str | None) -> None:
    assert INDEX.find(word) == name


def test_forms() -> None:
    assert spelling_form("jjigae") == spelling_form("chigae") == spelling_form("jigae")
    assert spelling_form("떡국") is None
