import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.text.normalize import clean_text, fold_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain words", "plain words"),
        ("  two   spaces ", "two spaces"),
        ("salt &amp;amp;amp; pepper", "salt & pepper"),
        ("1&frac12; cups &#8211; more", "1½ cups \u2013 more"),
        ("AT&T &copy without semicolon", "AT&T &copy without semicolon"),
        ("a\u00a0b\u200bc\ufeff", "a bc"),
        ("소금\x07약간\x07", "소금 약간"),
        ("mom\x92s \x93best\x94", "mom\u2019s “best”"),
        ("\u1100\u1175\u11b7\u110e\u1175", "김치"),
        ("lone \ud83d surrogate", "lone surrogate"),
        ("\u3164 \u2800", None),
        ("", None),
        (" \n\t", None),
    ],
)
def test_clean_text(raw: str, clean: str | None) -> None:
    assert clean_text(raw) == clean


def test_an_entity_that_hides_in_another_is_found() -> None:
    assert clean_text("&#38;#38;lt;b&#x26;gt;") == "<b>"
    assert clean_text("&a\u200bmp;lt;") == "<"


@given(st.text(st.sampled_from("&#3amp;lt8x\u0301\u200b e\x92가\u1100\u1161 "), max_size=30))
def test_clean_text_is_idempotent(text: str) -> None:
    once = clean_text(text)
    assert once is None or clean_text(once) == once


@given(st.text(max_size=40))
def test_fold_text_is_idempotent_and_printable(text: str) -> None:
    once = fold_text(text)
    assert fold_text(once) == once
    once.encode()


def test_fold_text_forgets_case_width_and_punctuation() -> None:
    assert fold_text("Kimchi-Jjigae!! (김치찌개)") == fold_text(
        "\uff2b\uff29\uff2d\uff23\uff28\uff29 jjigae 김치찌개"
    )
    assert fold_text("?!") == ""
