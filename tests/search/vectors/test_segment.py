"""A segment is written in batches and opened as it was; what does not fit together is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.vectors.segment import SegmentWriter, open_segment


@pytest.fixture
def folder(index: SearchIndex, tmp_path: Path) -> Path:
    """A segment of twelve rows in two batches."""
    folder = tmp_path / "000003"
    writer = SegmentWriter(folder, 16)
    for start in (0, 5):
        stop = 5 if start == 0 else 12
        vectors = index.vectors_at(np.arange(start, stop))
        items = index._parts.items.slice(start, stop - start)
        writer.add(items, vectors)
    writer.close()
    return folder


def test_what_was_written_is_opened(folder: Path, index: SearchIndex) -> None:
    opened = open_segment(folder, 16)
    assert (opened.name, len(opened)) == ("000003", 12)
    assert opened.items.equals(index._parts.items.slice(0, 12))
    vectors = index.vectors_at(np.arange(12))
    np.testing.assert_array_equal(opened.vectors.scan.vectors, vectors)
    rows, _ = opened.vectors.scan.find(vectors[7], 1)
    assert rows.tolist() == [7]
    assert opened.vectors.lists is None


@pytest.mark.parametrize("name", ["segment.json", "items.arrow", "full.vectors.npy", "full.codes"])
def test_a_file_that_is_gone_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises((ArtifactError, RuntimeError), match=r"000003|full\.codes"):
        open_segment(folder, 16)


def test_parts_of_other_sizes_are_refused(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="a model of 8"):
        open_segment(folder, 8)
    described = json.loads((folder / "segment.json").read_text())
    (folder / "segment.json").write_text(json.dumps(described | {"rows": 11}))
    with pytest.raises(ArtifactError, match=r"shape \(12, 16\), expected \(11, 16\)"):
        open_segment(folder, 16)
