"""One question, one answer: alone or in a batch, over one segment or many, filtered or by lists."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.search.vectors.ann import AnnIndex, AnnPlan, Kind
from mmpipeline.search.vectors.exact import find_nearest, score_exactly
from mmpipeline.search.vectors.fp16_scan import Fp16Scan
from mmpipeline.search.vectors.fp16_writer import CodeWriter
from mmpipeline.search.vectors.segment import SegmentVectors
from mmpipeline.search.vectors.space import VectorSpace
from tests.search.one_order import answer_naively, draw_copies, draw_unit

Found = tuple[np.ndarray, np.ndarray]


def make_space(
    folder: Path, vectors: np.ndarray, bounds: list[int], alive: np.ndarray | None
) -> VectorSpace:
    segments = []
    for part, rows in enumerate(np.split(vectors, bounds)):
        writer = CodeWriter(vectors.shape[1])
        writer.add(rows)
        path = folder / f"{len(bounds)}-{part}"
        segments.append(SegmentVectors(Fp16Scan(rows, path, writer.write(path))))
    return VectorSpace(segments, alive)


def told(found: Found) -> list[tuple[int, float]]:
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 900), st.integers(1, 70), st.integers(1, 40)),
    st.integers(1, 300),
    st.integers(2, 70),
    st.sampled_from([None, 0.02, 0.5, 0.95]),
    st.integers(0, 2**31),
)
def test_every_way_gives_the_same_rows_in_the_same_order_with_the_same_scores(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: tuple[int, int, int],
    different: int,
    batch: int,
    kept: float | None,
    seed: int,
) -> None:
    rows, dim, k = sizes
    random = np.random.default_rng(seed)
    vectors = draw_copies(random, rows, dim, different)
    queries = np.concatenate([draw_unit(random, batch - 1, dim), vectors[:1]])
    living = None if kept is None else np.flatnonzero(random.random(rows) < kept)
    alive = None if living is None else np.isin(np.arange(rows), living)
    folder = tmp_path_factory.mktemp("spaces")
    bounds = np.unique(random.integers(1, max(rows, 2), 3)).tolist() if rows > 1 else []
    whole, split = (make_space(folder, vectors, cut, alive) for cut in ([], bounds))
    filtered = make_space(folder, vectors, [rows // 2] if rows > 1 else [], None)
    batches = [space.find_many(queries, k) for space in (whole, split)]
    for turn in {0, batch // 2, batch - 1}:
        query = queries[turn]
        expected = answer_naively(vectors, query, k, None if living is None else living.tolist())
        assert told(find_nearest(vectors, query, k, living)) == expected
        assert told(whole.find(query, k)) == expected
        assert told(split.find(query, k)) == expected
        assert told(filtered.find(query, k, living)) == expected
        for found, scores in batches:
            assert told((found[turn], scores[turn])) == expected


@pytest.mark.parametrize("copies", [3, 70, 900])
def test_near_copies_stand_in_the_order_of_their_rows(tmp_path: Path, copies: int) -> None:
    """The last bits of the later ones make them a little better; they do not come first."""
    random = np.random.default_rng(copies)
    query = draw_unit(random, 1, 48)[0]
    others = draw_unit(random, 2000, 48)
    near = np.repeat(query[None], copies, axis=0)
    worse = np.arange(copies)[:, None] * 48 // copies > np.arange(48)[::-1]
    near = np.where(worse[::-1], np.nextafter(near, np.float32(0)), near)
    scores = near.astype(float) @ query.astype(float)
    assert scores[-1] > scores[0]
    vectors = np.concatenate([others[:1000], near, others[1000:]])
    expected = list(range(1000, 1000 + min(copies, 10)))
    space = make_space(tmp_path, vectors, [700, 1001], None)
    many = space.find_many(np.repeat(query[None], 33, axis=0), 10)[0]
    for found in (find_nearest(vectors, query, 10)[0], space.find(query, 10)[0], *many):
        assert found[: len(expected)].tolist() == expected


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_lists_rank_what_they_find_as_the_scan_does(tmp_path: Path, kind: Kind) -> None:
    """A tie longer than the candidates that lists are asked for at first is found whole."""
    random = np.random.default_rng(3)
    vectors = draw_unit(random, 3000, 24)
    places = np.sort(random.choice(3000, 90, replace=False))
    # each number between two half-precision ones: a last bit less, and its code is the lower one
    half = vectors[places[0]].astype(np.float16)
    middle = (half.astype(np.float32) + np.nextafter(half, np.float16(2) * np.sign(half))) / 2
    vectors[places] = np.nextafter(middle, 2 * np.sign(middle))
    vectors[places[::2]] = np.nextafter(middle, np.float32(0))
    writer = CodeWriter(24)
    writer.add(vectors)
    scan = Fp16Scan(vectors, tmp_path / "codes", writer.write(tmp_path / "codes"))
    lists = AnnIndex.build(vectors, kind, 1)
    space = VectorSpace([SegmentVectors(scan, lists, AnnPlan(kind, 64, 1.0))], None)
    query = middle / np.linalg.norm(middle)
    expected = answer_naively(vectors, query, 12)
    assert [row for row, _ in expected] == places[:12].tolist()
    if kind == "ivf":
        assert told(space.find(query, 12)) == expected
    else:  # a graph need not reach every copy, but what it reaches stands in order
        found = [row for row, _ in told(space.find(query, 12))]
        assert found == sorted(found)
        assert set(found) <= set(places.tolist())


def test_scores_are_the_same_numbers_on_every_machine() -> None:
    """Of vectors given as bytes: no kernel, shape or number of threads has a say."""
    turn = np.arange(41 * 300, dtype=np.uint64)
    mantissas = (turn * 2654435761 % 2**24).astype(np.float32) / 2**24 - np.float32(0.5)
    values = mantissas * 2.0 ** -(turn % 11).astype(np.float32)  # sums of them are rounded
    scores = score_exactly(values[300:].reshape(40, 300), values[:300], np.arange(40))
    assert [score.hex() for score in scores[:4]] == [
        "0x1.a323ebfbcfca8p-2",
        "0x1.e117042ad61dap-4",
        "0x1.80028959c8e83p-1",
        "0x1.f4dcfeb82d478p-1",
    ]
