"""A block's candidates hold the answer wherever they say so, and say where they may not."""

from pathlib import Path

import numpy as np
import pytest

from mmpipeline.models.rounding import tie_width
from mmpipeline.search.vectors.fp16_batch import Codes, gather_block
from mmpipeline.search.vectors.fp16_scan import Fp16Scan
from mmpipeline.search.vectors.fp16_writer import CodeWriter
from tests.search.vectors.test_fp16_scan import unit


def encode_fp16(
    vectors: np.ndarray, path: Path, allowed: np.ndarray[tuple[int], np.dtype[np.bool_]] | None
) -> Codes:
    writer = CodeWriter(vectors.shape[1])
    writer.add(vectors)
    errors = writer.write(path)
    scan = Fp16Scan(vectors, path, errors)
    return Codes(vectors, scan.codes().copy(), errors, allowed)  # the map goes with the scan


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_proven_candidates_hold_all_that_ties_with_the_answer(
    tmp_path: Path, masked: bool, ties: bool
) -> None:
    random = np.random.default_rng(8)
    vectors, queries = unit(random, 3000, 24, ties=ties), unit(random, 40, 24)
    allowed = random.random(3000) < 0.5 if masked else None
    rows, scores, unproven = gather_block(encode_fp16(vectors, tmp_path / "c", allowed), queries, 5)
    assert ties or not unproven.all()
    for turn in np.flatnonzero(~unproven):
        exact = (vectors.astype(float) * queries[turn].astype(float)).sum(axis=1)
        exact[~allowed if allowed is not None else []] = -np.inf
        floor = np.sort(exact)[-5] - tie_width(24)
        assert set(np.flatnonzero(exact >= floor)) <= set(rows[turn])
        np.testing.assert_allclose(scores[turn], exact[rows[turn]], atol=1e-12)


def test_a_run_of_equal_rows_longer_than_the_candidates_is_told(tmp_path: Path) -> None:
    vectors = np.repeat(unit(np.random.default_rng(3), 1, 8), 900, axis=0)
    _, _, unproven = gather_block(encode_fp16(vectors, tmp_path / "c", None), vectors[:3], 4)
    assert unproven.all()
