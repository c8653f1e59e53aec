"""A segment: an immutable run of rows that versions of the index share as it stands.

A folder with the items as an Arrow file, the vectors in float32, their float16 codes and, above
some size, approximate lists. The files of vectors begin with ``full``: all that a recipe has is
embedded. Early versions hold further embeddings of parts alone (``image``, ``text``), which are
left unread. Everything is mapped, so opening costs nothing; a segment has at most `SEGMENT_ROWS`
rows, which bounds the memory of writing one.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mmpipeline.arrays import Float32Array
from mmpipeline.errors import ArtifactError
from mmpipeline.search.vectors.ann import AnnIndex, AnnPlan
from mmpipeline.search.vectors.fp16_scan import Fp16Scan
from mmpipeline.search.vectors.fp16_writer import CodeErrors, CodeWriter
from mmpipeline.search.vectors.items import ITEMS_SCHEMA

SEGMENT_ROWS = 262_144
FULL = "full"


@dataclass(frozen=True, slots=True)
class SegmentVectors:
    """A segment's vectors, as they are searched.

    Attributes
    ----------
    scan
        Exact search.
    lists, plan
        Approximate search and how to ask it; None where there is none.
    """

    scan: Fp16Scan
    lists: AnnIndex | None = None
    plan: AnnPlan | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """An opened segment.

    Attributes
    ----------
    name
        Of its folder.
    items
        N rows of `ITEMS_SCHEMA`, mapped.
    vectors
        Of the same rows.
    """

    name: str
    items: pa.Table
    vectors: SegmentVectors

    def __len__(self) -> int:
        """Return the number of rows, dead ones included."""
        return int(self.items.num_rows)


class SegmentWriter:
    """Writes one segment, a batch of rows at a time.

    Parameters
    ----------
    folder
        To be made.
    dim
        E.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        folder.mkdir(parents=True)
        self._folder, self._dim = folder, dim
        self.rows = 0
        self._items = pa.ipc.new_file(str(folder / "items.arrow"), ITEMS_SCHEMA)
        self._codes = CodeWriter(dim)
        self._vectors = (folder / f"{FULL}.vectors.npy").open("wb")
        self._write_header()  # again when the rows are counted; its length does not change

    def add(self, items: pa.Table, vectors: Float32Array) -> None:
        """Add rows.

        Parameters
        ----------
        items
            B rows of `ITEMS_SCHEMA`.
        vectors
            Shape (B, E), of unit length.
        """
        self._items.write_table(items.select(ITEMS_SCHEMA.names).cast(ITEMS_SCHEMA))
        rows = np.ascontiguousarray(vectors, dtype="<f4")
        self._vectors.write(rows.tobytes())
        self._codes.add(rows)
        self.rows += items.num_rows

    def close(self) -> None:
        """Finish the files."""
        self._items.close()
        self._vectors.seek(0)
        self._write_header()
        self._vectors.close()
        errors = {FULL: asdict(self._codes.write(self._folder / f"{FULL}.codes"))}
        described = {"rows": self.rows, "dim": self._dim, "errors": errors}
        text = json.dumps(described, indent=2, sort_keys=True) + "\n"
        (self._folder / "segment.json").write_text(text, encoding="utf-8")

    def _write_header(self) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self._dim)}
        np.lib.format.write_array_header_1_0(self._vectors, header)


def open_segment(folder: Path, dim: int) -> Segment:
    """Map a segment.

    Parameters
    ----------
    folder
        Its folder.
    dim
        E, as the model gives it.

    Returns
    -------
    Segment
        Nothing of it is read yet.

    Raises
    ------
    ArtifactError
        If its files cannot be read or do not fit together.
    """
    try:
        described = json.loads((folder / "segment.json").read_bytes())
        items = pa.ipc.open_file(pa.memory_map(str(folder / "items.arrow"))).read_all()
        shape = (int(described["rows"]), int(described["dim"]))
        vectors = _open_vectors(folder, shape, CodeErrors(**described["errors"][FULL]))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{folder} is no segment ({error!r}); publish again") from error
    if items.num_rows != shape[0] or dim != shape[1] or not items.schema.equals(ITEMS_SCHEMA):
        raise ArtifactError(
            f"{folder} does not fit together: {items.num_rows} items, vectors {shape}, "
            f"a model of {dim}; publish again"
        )
    return Segment(folder.name, items, vectors)


def _open_vectors(folder: Path, shape: tuple[int, int], errors: CodeErrors) -> SegmentVectors:
    path = folder / f"{FULL}.vectors.npy"
    vectors: Float32Array = np.load(path, mmap_mode="r", allow_pickle=False)
    if vectors.shape != shape or vectors.dtype != np.float32:
        raise ArtifactError(f"{path} has shape {vectors.shape}, expected {shape}; publish again")
    scan = Fp16Scan(vectors, folder / f"{FULL}.codes", errors)
    plan_path = folder / f"{FULL}.lists.json"
    if not plan_path.exists():
        return SegmentVectors(scan)
    plan = AnnPlan.from_json(json.loads(plan_path.read_bytes()))
    return SegmentVectors(scan, AnnIndex.open(folder / f"{FULL}.lists"), plan)
