import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmpipeline.catalog.duplicates.copies import group_copies
from mmpipeline.catalog.duplicates.near_copies import NearCopyFinder, iterate_pairs
from mmpipeline.catalog.duplicates.shingles import jaccard

_words = st.lists(st.sampled_from(["a", "bb", "김치", "d1", "찌개", "f"]), max_size=9).map(" ".join)


def find(
    tmp_path: Path, texts: list[str], bound: float = 0.7, batch: int = 7
) -> dict[tuple[int, int], float]:
    finder = NearCopyFinder(tmp_path / "shingles", bound)
    for start in range(0, len(texts), batch):
        finder.add(pa.array(texts[start : start + batch], pa.string()))
    return {
        (int(first), int(second)): float(similarity)
        for pairs, similarities in finder.find()
        for (first, second), similarity in zip(pairs, similarities, strict=True)
    }


def invent(draw: random.Random, words: int) -> list[str]:
    return [f"word{draw.randrange(3000)}" for _ in range(words)]


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(_words, max_size=6), batch=st.integers(1, 4))
@example(texts=["a", "a", "bb", "bb a", "a"], batch=1)
def test_found_similarities_are_exact(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], batch: int
) -> None:
    texts = [f"{text} one two three four five six seven eight nine ten eleven" for text in texts]
    found = find(tmp_path_factory.getbasetemp(), texts, 0.5, batch)
    for (first, second), similarity in found.items():
        assert first < second
        assert similarity == pytest.approx(jaccard(texts[first], texts[second]))
    # A bucket is compared along a chain, so equal texts with others between need not be a pair;
    # they are of one group all the same.
    group = group_copies((str(first), str(second)) for first, second in found)
    for first, text in enumerate(texts):
        for second in range(first + 1, len(texts)):
            if texts[second] == text:
                assert group[str(first)] == group[str(second)]
                if second == first + 1:  # with none between they are neighbours in every bucket
                    assert (first, second) in found


def test_near_copies_are_found_and_others_are_not(tmp_path: Path) -> None:
    draw = random.Random(1)
    texts, planted = [], {}
    for number in range(400):
        words = invent(draw, draw.randint(30, 250))
        copy = list(words)
        for _ in range(int(len(words) * draw.uniform(0, 0.07))):
            copy[draw.randrange(len(copy))] = f"changed{draw.randrange(99)}"
        planted[2 * number, 2 * number + 1] = jaccard(" ".join(words), " ".join(copy))
        texts += [" ".join(words), " ".join(copy)]
    found = find(tmp_path, texts)
    expected = {pair for pair, similarity in planted.items() if similarity >= 0.7}
    assert 200 < len(expected) < 400
    assert set(found) <= expected
    assert len(found) >= 0.97 * len(expected)


def test_does_not_depend_on_batches(tmp_path: Path) -> None:
    draw = random.Random(2)
    texts = [" ".join(invent(draw, 40)) for _ in range(30)] * 2
    assert find(tmp_path, texts, batch=1) == find(tmp_path, texts, batch=100)
    assert len(find(tmp_path, texts)) == 30


def test_short_and_empty_texts_have_no_near_copy(tmp_path: Path) -> None:
    assert find(tmp_path, ["", "", "kimchi stew", "kimchi stew", "   "]) == {}
    assert find(tmp_path, []) == {}


def test_pairs_by_id() -> None:
    found = [(np.array([[0, 2], [1, 2]]), np.array([0.9, 0.8]))]
    ids = pa.array(["a", "b", "c"])
    assert list(iterate_pairs(found, ids)) == [("a", "c"), ("b", "c")]
