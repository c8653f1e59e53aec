import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from mmpipeline.features.encoders.ngrams import TextEncoder, hash_ngrams
from mmpipeline.text.normalize import fold_text

DISHES = ["김치찌개", "된장찌개", "순두부찌개", "떡볶이", "제육볶음", "닭볶음탕", "육개장", "잡채"]


@pytest.fixture
def encoder() -> TextEncoder:
    return TextEncoder(1024, 2, 4)


def test_rows_have_length_one_or_are_empty(encoder: TextEncoder) -> None:
    vectors = encoder.encode(["김치찌개", "", "!!! ★", "Beef stew", "파"])
    assert vectors.shape == (5, 1024)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0, 1, 1], atol=1e-6)


def test_case_punctuation_and_composition_do_not_matter(encoder: TextEncoder) -> None:
    decomposed = unicodedata.normalize("NFD", "김치찌개")
    vectors = encoder.encode(["김치찌개!", "  김치찌개 ", decomposed, "KimChi", "kimchi"])
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])
    assert np.array_equal(vectors[3], vectors[4])


@pytest.mark.parametrize(
    ("misspelt", "dish"),
    [
        ("얼큰한 김치찌게", "김치찌개"),
        ("떡뽁이", "떡볶이"),
        ("재육볶음", "제육볶음"),
        ("닭도리탕", "닭볶음탕"),
        ("육계장", "육개장"),
        ("잡체 만드는 법", "잡채"),
    ],
)
def test_misspelt_dish_is_nearest_to_the_right_one(
    encoder: TextEncoder, misspelt: str, dish: str
) -> None:
    scores = encoder.encode(DISHES) @ encoder.encode([misspelt])[0]
    assert DISHES[int(scores.argmax())] == dish


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=150))
def test_a_text_is_encoded_alike_alone_and_in_company(texts: list[str]) -> None:
    encoder = TextEncoder(64, 1, 3)
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.array_equal(together, alone)
    assert np.isfinite(together).all()


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="가나다abc ", max_size=40), low=st.integers(1, 3))
def test_ngrams_are_those_of_scikit_learn(text: str, low: int) -> None:
    folded = fold_text(text)
    # scikit-learn repeats a word that is shorter than the n-gram; ours does not count it again.
    words = [word for word in folded.split() if len(word) + 2 >= 4]
    expected: dict[str, int] = {}
    if words:
        vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=(low, 4), lowercase=False)
        counts = vectorizer.fit_transform([" ".join(words)]).toarray()[0]
        names = vectorizer.get_feature_names_out()
        expected = {name: int(counts[i]) for i, name in enumerate(names) if name.strip()}
    padded = f" {' '.join(words)} "
    letters = np.frombuffer(padded.encode("utf-32-le"), dtype=np.uint32)
    found: dict[str, int] = {}
    hash_of: dict[str, int] = {}
    for size, (starts, hashes) in enumerate(hash_ngrams(letters, 1, 4), start=1):
        for start, value in zip(starts, hashes, strict=True):
            ngram = padded[start : start + size]
            assert hash_of.setdefault(ngram, int(value)) == int(value)
            if size >= low:
                found[ngram] = found.get(ngram, 0) + 1
    assert found == expected
    assert len(set(hash_of.values())) == len(hash_of)


def test_very_long_text_is_cut(encoder: TextEncoder) -> None:
    vectors = encoder.encode(["두부 " * 10_000, "두부 " * 10_000 + "간장 " * 10_000])
    assert np.array_equal(vectors[0], vectors[1])


def test_fingerprint_follows_the_config(encoder: TextEncoder) -> None:
    assert encoder.fingerprint() == TextEncoder(1024, 2, 4).fingerprint()
    others = {TextEncoder(512, 2, 4).fingerprint(), TextEncoder(1024, 3, 4).fingerprint()}
    assert len(others | {encoder.fingerprint()}) == 3


def test_golden_values_hold_on_every_machine() -> None:
    vector = TextEncoder(16, 2, 2).encode(["두부"])[0]  # five bigrams: ␣ᄃ 두 ᅮᄇ 부 ᅮ␣
    assert np.flatnonzero(vector).tolist() == [0, 4, 5, 6, 10]
    signs = [-1, 1, -1, -1, -1]
    assert vector[[0, 4, 5, 6, 10]].tolist() == pytest.approx([s / 5**0.5 for s in signs])
