"""The filters of published protocols, off unless asked for: storage keeps everything.

The standard one drops what most retrieval papers drop; the sparse one what is too little to learn
from. Every drop has its reason. `remove1M.txt` is read into a set of ids: the reference maps ids to
line numbers and tests their truth, so the first id is never removed there.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import BoolArray, UInt64Array
from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.errors import InputError
from mmpipeline.sources.recipe1m.ids import hash_ids

_MOST_ITEMS = 20
_FEWEST_ITEMS, _FEWEST_LETTERS = 2, 20


def read_removed_ids(path: Path | None) -> UInt64Array:
    """Return the hashes of the ids in `remove1M.txt`, sorted.

    Parameters
    ----------
    path
        One id a line; None means that there is no such file.

    Returns
    -------
    numpy.ndarray
        (N,) uint64.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if path is None:
        return hash_ids([])
    try:
        ids = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no list of ids ({error}); expected one a line") from error
    return np.unique(hash_ids(ids))


def find_filtered(
    table: pa.Table, removed: UInt64Array, config: Recipe1MConfig
) -> dict[str, BoolArray]:
    """Tell which recipes the filters drop, and why.

    Parameters
    ----------
    table
        `RECIPE_SCHEMA`, N rows, photos joined.
    removed
        What `read_removed_ids` returned.
    config
        Which filters are on.

    Returns
    -------
    dict of str to numpy.ndarray
        By reason: (N,) bool, True where it applies. Empty when no filter is on.
    """
    counts = {
        name: pc.list_value_length(table[name]).to_numpy()
        for name in ("ingredients", "instructions", "images")
    }
    found: dict[str, BoolArray] = {}
    if config.standard_filter:
        ids = [name.removeprefix("r1m:") for name in table["recipe_id"].to_pylist()]
        found["filter_removed_id"] = np.isin(hash_ids(ids), removed)
        found["filter_no_photo"] = counts["images"] == 0
        found["filter_many_ingredients"] = counts["ingredients"] >= _MOST_ITEMS
        found["filter_many_instructions"] = counts["instructions"] >= _MOST_ITEMS
    if config.sparse_filter:
        steps = pc.fill_null(pc.utf8_length(pc.binary_join(table["instructions"], "")), 0)
        found["filter_few_ingredients"] = counts["ingredients"] < _FEWEST_ITEMS
        found["filter_few_instructions"] = counts["instructions"] < _FEWEST_ITEMS
        found["filter_few_letters"] = steps.to_numpy() < _FEWEST_LETTERS
    return found
