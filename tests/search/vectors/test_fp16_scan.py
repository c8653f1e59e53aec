"""The exact search over half-precision codes equals brute force, for one query and for many."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.errors import ArtifactError
from mmpipeline.search.vectors.exact import find_nearest
from mmpipeline.search.vectors.fp16_scan import Fp16Scan
from mmpipeline.search.vectors.fp16_writer import CodeWriter

Vectors = np.ndarray


def unit(random: np.random.Generator, rows: int, dim: int, *, ties: bool = False) -> Vectors:
    vectors = random.standard_normal((rows, dim), np.float32)
    if ties:  # many rows that differ by less than a half-precision step, and equal ones
        vectors = vectors[random.integers(0, max(1, rows // 8), rows)]
        vectors += 1e-4 * random.integers(0, 2, vectors.shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write(folder: Path, vectors: Vectors) -> Fp16Scan:
    writer = CodeWriter(vectors.shape[1])
    for part in np.array_split(vectors, 3):
        if len(part):
            writer.add(part)
    errors = writer.write(folder / "codes")
    return Fp16Scan(vectors, folder / "codes", errors)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 1500), st.integers(4, 40), st.integers(1, 30)),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_it_equals_brute_force(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: tuple[int, int, int],
    ties: bool,
    masked: bool,
    seed: int,
) -> None:
    rows, dim, k = sizes
    random = np.random.default_rng(seed)
    vectors, queries = unit(random, rows, dim, ties=ties), unit(random, 5, dim)
    scan = write(tmp_path_factory.mktemp("codes"), vectors)
    allowed = random.random(rows) < 0.3 if masked else None
    only = None if allowed is None else np.flatnonzero(allowed)
    many_rows, many_scores = scan.find_many(queries, k, allowed)
    for turn, query in enumerate(queries):
        expected, scores = find_nearest(vectors, query, k, only)
        found, found_scores = scan.find(query, k, allowed)
        assert found.tolist() == expected.tolist()
        assert many_rows[turn].tolist() == expected.tolist()
        np.testing.assert_allclose(found_scores, scores, atol=1e-12)
        np.testing.assert_allclose(many_scores[turn], scores, atol=1e-12)


def test_nothing_allowed_finds_nothing(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(0), 50, 8)
    scan = write(tmp_path, vectors)
    none = np.zeros(50, np.bool_)
    assert len(scan.find(vectors[0], 5, none)[0]) == 0
    assert scan.find_many(vectors[:3], 5, none)[0].shape == (3, 0)


def test_codes_of_other_vectors_are_refused(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(0), 50, 8)
    scan = write(tmp_path, vectors)
    with pytest.raises(ArtifactError, match="does not fit its vectors"):
        Fp16Scan(vectors[:40], tmp_path / "codes", scan._errors)
    (tmp_path / "codes").write_bytes(b"none")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Fp16Scan(vectors, tmp_path / "codes", scan._errors)
