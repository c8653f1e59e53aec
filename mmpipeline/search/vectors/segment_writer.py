"""The segment writer of a new version: shared segments stay, new rows fill new ones."""

import os
import shutil
from pathlib import Path

import pyarrow as pa

from mmpipeline.arrays import Float32Array
from mmpipeline.search.vectors.segment import SEGMENT_ROWS, SegmentWriter

SEGMENTS = "segments"


class RowWriter:
    """Writes rows into as many segments as they need.

    Parameters
    ----------
    target
        Folder of the version.
    dim
        E.
    first
        Number of the first new segment.
    """

    def __init__(self, target: Path, dim: int, first: int = 0) -> None:
        self._target, self._dim = target / SEGMENTS, dim
        self._next = first
        self._writer: SegmentWriter | None = None
        self.names: list[str] = []

    def add(self, items: pa.Table, vectors: Float32Array) -> None:
        """Add rows; see `SegmentWriter.add`."""
        start = 0
        while start < items.num_rows:
            writer = self._writer or self._begin()
            stop = min(items.num_rows, start + SEGMENT_ROWS - writer.rows)
            writer.add(items.slice(start, stop - start), vectors[start:stop])
            if writer.rows >= SEGMENT_ROWS:
                self.close()
            start = stop

    def close(self) -> None:
        """Finish the segment that is being written, if any."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _begin(self) -> SegmentWriter:
        name = f"{self._next:06d}"
        self._next += 1
        self.names.append(name)
        self._writer = SegmentWriter(self._target / name, self._dim)
        return self._writer


def share_segment(base: Path, name: str, target: Path) -> None:
    """Give a version the files of another version's segment: as hard links, else as copies.

    Parameters
    ----------
    base, target
        Folders of the versions.
    name
        Of the segment.
    """
    folder = target / SEGMENTS / name
    folder.mkdir(parents=True)
    for path in sorted((base / SEGMENTS / name).iterdir()):
        try:
            os.link(path, folder / path.name)
        except OSError:  # another file system, or one without links
            shutil.copyfile(path, folder / path.name)
