"""Codes cost what is told: the largest distance of a vector to its code, over all batches."""

from pathlib import Path

import faiss
import numpy as np
import pytest
import torch

from mmpipeline.search.vectors.fp16_writer import CodeWriter


def test_the_errors_are_the_largest_of_all_batches(tmp_path: Path) -> None:
    values = np.random.default_rng(6).standard_normal((40, 9))
    vectors = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    writer = CodeWriter(9)
    for part in np.array_split(vectors, 3):
        writer.add(part)
    errors = writer.write(tmp_path / "codes")
    halves = vectors.astype(np.float16)
    coarse = torch.from_numpy(halves).bfloat16().double().numpy()
    for told, codes in ((errors.float16, halves.astype(float)), (errors.bfloat16, coarse)):
        assert told == pytest.approx(np.linalg.norm(vectors - codes, axis=1).max(), rel=1e-9)
        assert told > 0
    index = faiss.read_index(str(tmp_path / "codes"))
    np.testing.assert_array_equal(index.reconstruct_n(0, 40), halves.astype(np.float32))
