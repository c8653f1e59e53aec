from functools import partial

import numpy as np
import numpy.typing as npt
import pytest

from mmpipeline.search.vectors.exact import find_nearest
from mmpipeline.search.vectors.recall import Find, measure_recall

Found = tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]


def recall_of(
    find: Find, vectors: npt.NDArray[np.float32], queries: npt.NDArray[np.float32]
) -> float:
    return measure_recall(find, vectors.__getitem__, np.arange(len(vectors)), queries)


@pytest.fixture
def vectors() -> npt.NDArray[np.float32]:
    values = np.random.default_rng(1).normal(size=(200, 8))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def test_exact_search_finds_all(vectors: npt.NDArray[np.float32]) -> None:
    assert recall_of(partial(find_nearest, vectors), vectors, vectors[:30]) == 1.0


def test_missed_and_repeated_neighbours_count_against(vectors: npt.NDArray[np.float32]) -> None:
    def find_half(query: npt.NDArray[np.float32], k: int) -> Found:
        rows, scores = find_nearest(vectors, query, 100)
        return np.concatenate([rows[: k // 2], rows[50 : 50 + k - k // 2]]), scores[:k]

    def find_one(query: npt.NDArray[np.float32], k: int) -> Found:
        rows, scores = find_nearest(vectors, query, 1)
        return np.repeat(rows, k), scores

    assert recall_of(find_half, vectors, vectors[:30]) == 0.5
    assert recall_of(find_one, vectors, vectors[:30]) == pytest.approx(0.1)


def test_any_of_equal_items_is_right() -> None:
    same = np.tile(np.array([[1, 0]], dtype=np.float32), (40, 1))
    recall = recall_of(lambda _, k: (np.arange(20, 20 + k), np.ones(k)), same, same[:3])
    assert recall == 1.0


def test_blocks_change_nothing(
    vectors: npt.NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmpipeline.search.vectors.recall._BLOCK_ROWS", 7)
    assert recall_of(partial(find_nearest, vectors), vectors, vectors[:30]) == 1.0
    worst = partial(find_nearest, -vectors)
    assert recall_of(worst, vectors, vectors[:30]) == 0.0


def test_fewer_items_than_ten(vectors: npt.NDArray[np.float32]) -> None:
    few = vectors[:4]
    assert recall_of(partial(find_nearest, few), few, vectors[:9]) == 1.0
