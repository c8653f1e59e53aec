"""Lists are made above the size that config names, once a segment, and find what they should."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import IndexConfig
from mmpipeline.search.current import current_version
from mmpipeline.search.load import open_parts
from mmpipeline.search.publish import ann as list_building
from mmpipeline.search.publish.ann import build_ann
from mmpipeline.storage import DataLayout


@pytest.fixture
def target(published: DataLayout, tmp_path: Path) -> Path:
    version = current_version(published)
    assert version is not None
    return shutil.copytree(published.artifacts("index") / version, tmp_path / "copy")


def lists_of(target: Path) -> list[Path]:
    return sorted(target.rglob("*.lists"))


def test_an_index_or_segment_that_is_too_small_gets_none(target: Path) -> None:
    queries = open_parts(target).space.take(np.arange(24))
    build_ann(target, IndexConfig(), queries)
    build_ann(target, IndexConfig(approximate_above=1), queries)  # 24 rows are scanned as fast
    assert lists_of(target) == []


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_lists_find_the_exact_answers_and_are_not_made_twice(
    target: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_building, "LEAST_ROWS", 1)
    vectors = open_parts(target).space.take(np.arange(24))
    config = IndexConfig(approximate_above=1, approximate=kind)  # type: ignore[arg-type]
    build_ann(target, config, vectors)
    found = open_parts(target).segments[0].vectors
    assert found.lists is not None
    assert found.plan is not None
    assert (found.plan.kind, found.plan.recall_at_10) == (kind, 1.0)
    rows, _ = found.lists.find(vectors, vectors[3], 5, found.plan.search_width)
    assert rows.tolist() == found.scan.find(vectors[3], 5)[0].tolist()
    before = {path: path.stat().st_mtime_ns for path in lists_of(target)}
    build_ann(target, config, vectors)
    assert {path: path.stat().st_mtime_ns for path in lists_of(target)} == before
