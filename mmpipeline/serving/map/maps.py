"""Maps of index versions, each made once in a thread of its own, and kept.

Places are kept below the data folder's state, one small file a version, so that a restart does not
lay out again; the newest few stay. Whoever asks meanwhile is told that it is being drawn. An index
is lent for the drawing by whoever holds it open; its vectors are all that is needed of it.
"""

import json
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import numpy as np

from mmpipeline.arrays import Float32Array, IndexArray
from mmpipeline.errors import PipelineError
from mmpipeline.serving.map.layout import lay_out, sample_rows
from mmpipeline.storage.atomic import write_text_atomic

log = logging.getLogger(__name__)


_KEPT_FILES = 8


class Drawn(Protocol):
    """What a map needs of an index."""

    version: str

    def __len__(self) -> int:
        """Return the number of recipes."""
        ...

    @property
    def rows(self) -> IndexArray:
        """Rows of all recipes, ascending."""
        ...

    def vectors_at(self, rows: IndexArray) -> Float32Array:
        """Return the vectors of some rows, shape (M, E)."""
        ...


Lease = Callable[[], AbstractContextManager[Drawn]]
"""Lends the index that answers for the length of a block, as `LiveIndex.lease`."""


class MapMaker:
    """Gives the places of an index's recipes on the map.

    Parameters
    ----------
    folder
        Where places are kept.
    recipes
        How many are placed, at most.
    """

    def __init__(self, folder: Path, recipes: int) -> None:
        self._folder = folder
        self._recipes = recipes
        self._made: dict[str, tuple[IndexArray, Float32Array]] = {}
        self._is_drawing = False
        self._lock = threading.Lock()

    def get(self, version: str, lease: Lease) -> tuple[IndexArray, Float32Array] | None:
        """Return a version's map, or begin to draw it.

        Parameters
        ----------
        version
            The index version that answers.
        lease
            Lends the index to the thread that draws.

        Returns
        -------
        rows : numpy.ndarray of intp
            Shape (M,): rows of the index.
        places : numpy.ndarray of float32
            Shape (M, 2), within 0 to 1. None instead of both while it is being drawn.
        """
        with self._lock:
            made = self._made.get(version)
            if made is None and not self._is_drawing:
                self._is_drawing = True
                threading.Thread(target=self._draw, args=(lease,), daemon=True).start()
        return made

    def _draw(self, lease: Lease) -> None:
        try:
            with lease() as index:
                rows = index.rows[sample_rows(len(index), self._recipes)]
                places = self._load(index.version, len(rows))
                if places is None:
                    places = lay_out(index.vectors_at(rows))
                    self._store(index.version, places)
                self._made = {index.version: (rows, places)}
        except PipelineError as error:
            log.warning("no map: %s", error)
        finally:
            self._is_drawing = False

    def _file(self, version: str) -> Path:
        return self._folder / f"{version}.json"

    def _load(self, version: str, points: int) -> Float32Array | None:
        try:
            places = np.array(json.loads(self._file(version).read_bytes()), dtype=np.float32)
        except (OSError, ValueError, TypeError):
            return None
        usable = places.shape == (points, 2) and bool(np.isfinite(places).all())
        return places if usable else None

    def _store(self, version: str, places: Float32Array) -> None:
        try:
            write_text_atomic(self._file(version), json.dumps(np.round(places, 5).tolist()))
            files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in files[:-_KEPT_FILES]:
                path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the map is not kept: %s", error)
