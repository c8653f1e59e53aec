from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mmpipeline.search.vectors.ann import AnnIndex, AnnPlan, Kind
from mmpipeline.search.vectors.exact import find_nearest
from mmpipeline.search.vectors.fp16_scan import Fp16Scan
from mmpipeline.search.vectors.fp16_writer import CodeWriter
from mmpipeline.search.vectors.segment import SegmentVectors
from mmpipeline.search.vectors.space import VectorSpace

ROWS, DIM = 3000, 16


@pytest.fixture(scope="module")
def vectors() -> npt.NDArray[np.float32]:
    values = np.random.default_rng(3).normal(size=(2 * ROWS, DIM))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def make_segment(
    vectors: npt.NDArray[np.float32], path: Path, kind: Kind | None = None
) -> SegmentVectors:
    writer = CodeWriter(DIM)
    writer.add(vectors)
    scan = Fp16Scan(vectors, path, writer.write(path))
    if kind is None:
        return SegmentVectors(scan)
    return SegmentVectors(scan, AnnIndex.build(vectors, kind, 1), AnnPlan(kind, 2, 0.5))


@pytest.fixture(scope="module")
def segments(
    vectors: npt.NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> list[SegmentVectors]:
    folder = tmp_path_factory.mktemp("space")
    return [
        make_segment(vectors[part * ROWS : (part + 1) * ROWS], folder / f"{part}")
        for part in (0, 1)
    ]


@pytest.mark.parametrize("share", [None, 0.01, 0.3, 0.999])
def test_segments_answer_as_one(
    segments: list[SegmentVectors], vectors: npt.NDArray[np.float32], share: float | None
) -> None:
    random = np.random.default_rng(4)
    alive = None if share is None else random.random(2 * ROWS) >= share
    space = VectorSpace(segments, alive)
    living = np.arange(2 * ROWS) if alive is None else np.flatnonzero(alive)
    queries = vectors[random.choice(2 * ROWS, 9)] + random.normal(scale=0.1, size=(9, DIM))
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    many = space.find_many(queries, 12)
    for query, rows, scores in zip(queries, *many, strict=True):
        expected, best = find_nearest(vectors, query, 12, living)
        found, alone = space.find(query, 12)
        assert found.tolist() == rows.tolist() == expected.tolist()
        np.testing.assert_allclose(alone, best, atol=1e-12)
        np.testing.assert_allclose(scores, best, atol=1e-12)


@pytest.mark.parametrize("count", [1, 40, 2000])
def test_only_the_given_living_rows_are_found(
    segments: list[SegmentVectors], vectors: npt.NDArray[np.float32], count: int
) -> None:
    random = np.random.default_rng(5)
    alive = random.random(2 * ROWS) < 0.8
    rows = np.sort(random.choice(2 * ROWS, count, replace=False))
    allowed = rows[alive[rows]]
    found, _ = VectorSpace(segments, alive).find(vectors[7], 10, rows)
    assert found.tolist() == find_nearest(vectors, vectors[7], 10, allowed)[0].tolist()


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_lists_that_reach_too_few_rows_give_way_to_the_scan(
    vectors: npt.NDArray[np.float32], tmp_path: Path, kind: Kind
) -> None:
    segment = make_segment(vectors[:ROWS], tmp_path / "codes", kind)
    alive = np.zeros(ROWS, dtype=np.bool_)
    alive[::100] = True
    space = VectorSpace([segment], alive)
    assert space.find(vectors[0], 5)[0][0] == 0
    found, _ = space.find(vectors[0], 30)
    assert sorted(found.tolist()) == list(range(0, ROWS, 100))
    everything, _ = VectorSpace([segment], None).find(vectors[0], 2500)
    assert len(set(everything.tolist())) == 2500


@pytest.mark.parametrize("kind", [None, "ivf", "hnsw"])
def test_none_are_asked_for(
    vectors: npt.NDArray[np.float32], tmp_path: Path, kind: Kind | None
) -> None:
    space = VectorSpace([make_segment(vectors[:ROWS], tmp_path / "codes", kind)], None)
    for rows in (None, np.arange(40), np.arange(2000)):
        found, scores = space.find(vectors[0], 0, rows)
        assert (found.tolist(), scores.tolist()) == ([], [])
    assert space.find_many(vectors[:3], 0)[0].shape == (3, 0)


def test_take_gathers_across_segments_in_the_order_asked(
    segments: list[SegmentVectors], vectors: npt.NDArray[np.float32]
) -> None:
    rows = np.array([ROWS + 1, 3, 2 * ROWS - 1, 3])
    np.testing.assert_array_equal(VectorSpace(segments, None).take(rows), vectors[rows])
