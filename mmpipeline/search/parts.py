"""The rows of an opened index version: what answers are read from.

Apart from the model and the encoders, which only turn queries into vectors: ranking and looking up
import neither (see `load.IndexParts`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mmpipeline.arrays import BoolArray, IndexArray
from mmpipeline.search.vectors.calibration import Calibration
from mmpipeline.search.vectors.prototypes import Prototypes
from mmpipeline.search.vectors.segment import Segment
from mmpipeline.search.vectors.space import VectorSpace


@dataclass(frozen=True, slots=True)
class IndexRows:
    """Items, vectors and what was measured of them, opened.

    Attributes
    ----------
    described
        What `index.json` says.
    segments
        In the order of their rows.
    items
        All rows of `items.ITEMS_SCHEMA`, dead ones included, mapped.
    alive
        Shape (N,), which rows may be found; None means all.
    space
        The vectors of all rows.
    prototypes
        Of dishes, named subsets and enrolled classes.
    calibration
        What scores mean.
    members
        Ids of the recipes of each named subset.
    """

    described: dict[str, Any]
    segments: list[Segment]
    items: pa.Table
    alive: BoolArray | None
    space: VectorSpace
    prototypes: Prototypes
    calibration: Calibration
    members: dict[str, pa.Array]

    @property
    def living(self) -> int:
        """Number of rows that may be found."""
        dead = 0 if self.alive is None else int((~self.alive).sum())
        return int(self.items.num_rows) - dead

    @property
    def dishes(self) -> list[str]:
        """Keys of the dishes that have a prototype, sorted."""
        return [info.subset for info in self.prototypes.infos if info.kind == "dish"]

    def living_rows(self) -> IndexArray:
        """Return the rows that may be found, ascending."""
        return np.arange(self.items.num_rows) if self.alive is None else np.flatnonzero(self.alive)
