"""A segment: an immutable run of rows that versions of the index share as it stands.

A folder with the items as an Arrow file and, for each view, the vectors in float32, their float16
codes and, above some size, approximate lists. A view is the same recipes embedded under a mask:
``full`` shows all a recipe has, ``image`` its photo alone. Everything is mapped, so opening costs
nothing; a segment has at most `SEGMENT_ROWS` rows, which bounds the memory of writing one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from mmpipeline.arrays import Float32Array
from mmpipeline.errors import ArtifactError
from mmpipeline.search.vectors.ann import AnnIndex, AnnPlan
from mmpipeline.search.vectors.fp16_scan import CodeErrors, CodeWriter, Fp16Scan
from mmpipeline.search.vectors.items import ITEMS_SCHEMA

SEGMENT_ROWS = 262_144
FULL = "full"


@dataclass(frozen=True, slots=True)
class View:
    """A segment's rows under one mask.

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
    views
        By name; always with ``full``.
    """

    name: str
    items: pa.Table
    views: dict[str, View]

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
    views
        Names of the views.
    """

    def __init__(self, folder: Path, dim: int, views: Sequence[str]) -> None:
        folder.mkdir(parents=True)
        self._folder, self._dim = folder, dim
        self.rows = 0
        self._items = pa.ipc.new_file(str(folder / "items.arrow"), ITEMS_SCHEMA)
        self._codes = {view: CodeWriter(dim) for view in views}
        self._vectors = {view: (folder / f"{view}.vectors.npy").open("wb") for view in views}
        for file in self._vectors.values():
            self._write_header(file)  # again when the rows are counted; its length does not change

    def add(self, items: pa.Table, vectors: Mapping[str, Float32Array]) -> None:
        """Add rows.

        Parameters
        ----------
        items
            B rows of `ITEMS_SCHEMA`.
        vectors
            By view, shape (B, E), of unit length.
        """
        self._items.write_table(items.select(ITEMS_SCHEMA.names).cast(ITEMS_SCHEMA))
        for view, file in self._vectors.items():
            rows = np.ascontiguousarray(vectors[view], dtype="<f4")
            file.write(rows.tobytes())
            self._codes[view].add(rows)
        self.rows += items.num_rows

    def close(self) -> None:
        """Finish the files."""
        self._items.close()
        for file in self._vectors.values():
            file.seek(0)
            self._write_header(file)
            file.close()
        errors = {
            view: asdict(codes.write(self._folder / f"{view}.codes"))
            for view, codes in self._codes.items()
        }
        described = {"rows": self.rows, "dim": self._dim, "errors": errors}
        text = json.dumps(described, indent=2, sort_keys=True) + "\n"
        (self._folder / "segment.json").write_text(text, encoding="utf-8")

    def _write_header(self, file: BinaryIO) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self._dim)}
        np.lib.format.write_array_header_1_0(file, header)


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
        views = {
            name: _open_view(folder, name, shape, CodeErrors(**errors))
            for name, errors in described["errors"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{folder} is no segment ({error!r}); publish again") from error
    if items.num_rows != shape[0] or dim != shape[1] or not items.schema.equals(ITEMS_SCHEMA):
        raise ArtifactError(
            f"{folder} does not fit together: {items.num_rows} items, vectors {shape}, "
            f"a model of {dim}; publish again"
        )
    return Segment(folder.name, items, views)


def _open_view(folder: Path, name: str, shape: tuple[int, int], errors: CodeErrors) -> View:
    path = folder / f"{name}.vectors.npy"
    vectors: Float32Array = np.load(path, mmap_mode="r", allow_pickle=False)
    if vectors.shape != shape or vectors.dtype != np.float32:
        raise ArtifactError(f"{path} has shape {vectors.shape}, expected {shape}; publish again")
    scan = Fp16Scan(vectors, folder / f"{name}.codes", errors)
    plan_path = folder / f"{name}.lists.json"
    if not plan_path.exists():
        return View(scan)
    plan = AnnPlan.from_json(json.loads(plan_path.read_bytes()))
    return View(scan, AnnIndex.open(folder / f"{name}.lists"), plan)
