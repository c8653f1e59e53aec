"""The version before, as far as the next one can use it: what is the same is not embedded again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import BoolArray, Float32Array, IndexArray, Int64Array
from mmpipeline.config.publish import IndexConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.features.encoder_set import ENCODERS_NAME
from mmpipeline.search.load import IndexParts, open_parts
from mmpipeline.search.vectors.segment_writer import RowWriter, share_segment
from mmpipeline.storage.manifest import digest_file

_COPIED_ROWS = 16_384


def open_previous_version(base: Path | None, target: Path) -> "PreviousVersion | None":
    """Open the version before, if it can be built upon.

    Parameters
    ----------
    base
        Its folder; None when there is none.
    target
        Folder of the new version, which holds the model and the encoders already.

    Returns
    -------
    PreviousVersion or None
        None when it is of another model or other encoders, or cannot be read.
    """
    if base is None:
        return None
    try:
        parts = open_parts(base)
    except ArtifactError:
        return None
    for name in ("model.safetensors", "model.json", ENCODERS_NAME):
        if digest_file(base / name) != digest_file(target / name):
            return None
    return PreviousVersion(base, parts)


@dataclass(slots=True)
class _Segment:
    """Rows of one segment of the previous version: from `start` on; which of them stay."""

    name: str
    start: int
    stays: BoolArray

    @property
    def dead_share(self) -> float:
        return 1 - float(self.stays.mean()) if len(self.stays) else 1.0


class PreviousVersion:
    """An opened version whose rows the next one may take over.

    Parameters
    ----------
    folder
        Of the version.
    parts
        Its files.
    """

    def __init__(self, folder: Path, parts: IndexParts) -> None:
        self._folder, self._parts = folder, parts
        living = parts.living_rows()
        self._rows = living
        self._ids = parts.items["recipe_id"].take(living).combine_chunks()
        self._fingerprints = parts.items["fingerprint"].take(living).combine_chunks()
        self._kept = np.zeros(parts.items.num_rows, dtype=np.bool_)

    @property
    def next_segment(self) -> int:
        """Number that no segment of it has."""
        return 1 + max((int(segment.name) for segment in self._parts.segments), default=-1)

    def match(self, items: pa.Table) -> IndexArray:
        """Return the rows of the previous version that hold the same items, unchanged.

        Parameters
        ----------
        items
            B rows of `items.ITEMS_SCHEMA`.

        Returns
        -------
        numpy.ndarray
            Shape (B,): -1 where the item is new or changed.
        """
        places = pc.index_in(items["recipe_id"], value_set=self._ids)
        found = pc.fill_null(places, -1).to_numpy()
        before = self._fingerprints.take(pa.array(np.maximum(found, 0)))
        same = pc.equal(before, items["fingerprint"].combine_chunks())
        unchanged = (found >= 0) & same.to_numpy(zero_copy_only=False)
        return np.where(unchanged, self._rows[np.maximum(found, 0)], -1)

    def take(self, rows: IndexArray) -> Float32Array:
        """Return the vectors of some rows, shape (M, E)."""
        return self._parts.space.take(rows)

    def keep(self, rows: IndexArray) -> None:
        """Note that rows live on in the next version."""
        self._kept[rows] = True

    def share(
        self, target: Path, sink: RowWriter, config: IndexConfig
    ) -> tuple[list[str], Int64Array]:
        """Give the next version the segments, and write anew those that are not worth sharing.

        Parameters
        ----------
        target
            Folder of the next version.
        sink
            Takes the rows of segments that are written anew.
        config
            When that is.

        Returns
        -------
        names : list of str
            Of the shared segments.
        dead : numpy.ndarray
            Their dead rows, numbered through them.
        """
        segments: list[_Segment] = []
        start = 0
        for opened in self._parts.segments:
            stop = start + len(opened)
            segments.append(_Segment(opened.name, start, self._kept[start:stop]))
            start = stop
        renewed = _choose_renewed(segments, config)
        shared = [segment for segment in segments if segment.name not in renewed]
        for segment in segments:
            if segment.name in renewed:
                self._copy(segment, sink)
            else:
                share_segment(self._folder, segment.name, target)
        stays = np.concatenate([segment.stays for segment in shared] or [np.zeros(0, np.bool_)])
        return [segment.name for segment in shared], np.flatnonzero(~stays).astype(np.int64)

    def _copy(self, segment: _Segment, sink: RowWriter) -> None:
        rows = segment.start + np.flatnonzero(segment.stays)
        for first in range(0, len(rows), _COPIED_ROWS):
            part = rows[first : first + _COPIED_ROWS]
            sink.add(self._parts.items.take(part), self.take(part))


def _choose_renewed(segments: list[_Segment], config: IndexConfig) -> set[str]:
    """Choose what is written anew: too dead, or the smallest where there are too many."""
    renewed = {s.name for s in segments if s.dead_share > config.max_dead_fraction}
    left = sorted((s for s in segments if s.name not in renewed), key=lambda s: len(s.stays))
    excess = len(left) + 1 - config.max_segments  # one more for what is new
    if excess > 0:
        renewed |= {segment.name for segment in left[: excess + 1]}
    return renewed
