"""Filters over the items: vectorised, one pass over each column that is asked."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import IndexArray
from mmpipeline.search.query import Filters


def find_rows(items: pa.Table, filters: Filters) -> IndexArray:
    """Return the rows that pass.

    Parameters
    ----------
    items
        N rows of `items.ITEMS_SCHEMA`.
    filters
        What they must be.

    Returns
    -------
    numpy.ndarray of intp
        Ascending; all rows where nothing is demanded.
    """
    passes = np.ones(items.num_rows, dtype=np.bool_)
    for name in ("language", "source", "dish"):
        allowed = getattr(filters, name)
        if allowed:
            passes &= pc.is_in(items[name], pa.array(allowed, pa.string())).to_numpy()
    for tag in filters.tags:
        tags = items["tags"]
        carries = pc.equal(pc.list_flatten(tags), tag).to_numpy(zero_copy_only=False)
        owners = pc.list_parent_indices(tags).to_numpy()
        passes &= np.bincount(owners[carries], minlength=items.num_rows).astype(np.bool_)
    return np.flatnonzero(passes)
