import pytest

from mmpipeline.text.romanization import romanize


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("김치찌개", "gimchijjigae"),
        ("콩나물국", "kongnamulguk"),
        ("볶음밥", "bokkeumbap"),  # a final before a vowel is heard with it
        ("떡국", "tteokguk"),
        ("닭갈비", "dakgalbi"),
        ("웰빙 LA-갈비!", "welbing LA-galbi!"),
        ("", ""),
    ],
)
def test_romanised(text: str, written: str) -> None:
    assert romanize(text) == written
