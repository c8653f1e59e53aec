"""Rows fill one segment after another; a shared segment is the same files."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.search.index import SearchIndex
from mmpipeline.search.vectors import segment_writer as sink_module
from mmpipeline.search.vectors.segment import open_segment
from mmpipeline.search.vectors.segment_writer import SEGMENTS, RowWriter, share_segment


def fill(index: SearchIndex, target: Path, first: int = 0) -> list[str]:
    rows = RowWriter(target, 16, first)
    for start in (0, 9, 18):
        stop = min(start + 9, 24)
        vectors = index.vectors_at(np.arange(start, stop))
        rows.add(index._parts.items.slice(start, stop - start), vectors)
    rows.close()
    return rows.names


def test_a_full_segment_is_followed_by_the_next(
    index: SearchIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "SEGMENT_ROWS", 10)
    names = fill(index, tmp_path, first=4)
    assert names == ["000004", "000005", "000006"]
    opened = [open_segment(tmp_path / SEGMENTS / name, 16) for name in names]
    assert [len(segment) for segment in opened] == [10, 10, 4]
    ids = [recipe_id for s in opened for recipe_id in s.items["recipe_id"].to_pylist()]
    assert ids == index.columns_at(np.arange(24), ("recipe_id",))["recipe_id"]


def test_nothing_makes_no_segment(tmp_path: Path) -> None:
    rows = RowWriter(tmp_path, 16)
    rows.close()
    assert rows.names == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_a_shared_segment_is_linked_else_copied(
    index: SearchIndex, tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = fill(index, tmp_path / "base")

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    share_segment(tmp_path / "base", name, tmp_path / "next")
    for path in (tmp_path / "base" / SEGMENTS / name).iterdir():
        shared = tmp_path / "next" / SEGMENTS / name / path.name
        assert shared.read_bytes() == path.read_bytes()
        assert shared.samefile(path) == links
