import pytest

from mmpipeline.text.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("초간단 김치찌개 만들기", "ko"),
        ("LA갈비 BBQ 소스로 굽기", "ko"),
        ("Mix the flour with water and bake", "en"),
        ("Crème brûlée", "en"),
        ("Bibimbap (비빔밥) with beef and vegetables", "en"),
        ("将黄油隔热水融化", "other"),
        ("ケーキを焼く", "other"),
        ("Faire cuire le riz avec la sauce et des champignons dans une casserole", "other"),
        ("", "other"),
        ("123 !!", "other"),
    ],
)
def test_detect_language(text: str, language: str) -> None:
    assert detect_language(text) == language
