"""Look-alike dishes by an earlier model's embedding.

A dish lies where its recipes lie on average, split by split, so nothing of val or test reaches
train. Sums go along the hash ring in double precision and cosines are rounded before they are
compared, so that for given vectors the order of their file, threads and machine decide nothing
(but for a cosine within 1e-15 of where rounding turns). Between dishes rather than recipes: that
costs no search among all recipes, and hard negatives keep to the ring.
"""

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import Float32Array, Float64Array, Int64Array
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.pairs.statements import read_statement
from mmpipeline.storage.parquet import read_parquet

VECTORS_FILE = "vectors.npy"
ITEMS_FILE = "items.parquet"
INDEX_FILE = "index.json"
BLOCK_ROWS = 16_384
_DECIMALS = 6


def measure_nearness(connection: duckdb.DuckDBPyConnection, embedding: Path) -> None:
    """Fill the table `dish_nearness`: split, dish, other dish, cosine of their centres.

    Parameters
    ----------
    connection
        A database that holds the table `recipe`.
    embedding
        Folder of a published index, or one with ``vectors.npy`` (N x E) and ``items.parquet``
        (recipe_id of each vector).

    Raises
    ------
    ArtifactError
        If the folder lacks them, they are damaged or do not fit together.
    StageError
        If it holds none of the recipes.
    """
    ids, vectors = _open_embedding(embedding)
    members: pa.Table = connection.sql(read_statement("labelled_recipes")).to_arrow_table()
    found = pc.index_in(members["recipe_id"], value_set=ids)
    has_vector = pc.is_valid(found)
    members = members.filter(has_vector)
    if not members.num_rows:
        raise StageError(
            f"{embedding} holds no vector of a labelled recipe that pairs may use; give the index "
            "of a model that was made from this catalogue"
        )
    centres = _sum_vectors(vectors, found.filter(has_vector).to_numpy(), members["cell"].to_numpy())
    cells = members.group_by(["cell", "split", "dish"], use_threads=False).aggregate([])
    cells = cells.sort_by("cell")
    split = np.asarray(cells["split"].combine_chunks().dictionary_encode().indices)
    nearness = pa.concat_tables(
        _compare(cells.filter(pa.array(split == code)), centres[split == code])
        for code in range(int(split.max()) + 1)
    )
    connection.register("measured_nearness", nearness)
    connection.execute("CREATE TABLE dish_nearness AS FROM measured_nearness")
    connection.unregister("measured_nearness")


def _open_embedding(folder: Path) -> tuple[pa.Array, Float32Array]:
    if (folder / INDEX_FILE).is_file():
        return _open_index(folder)
    ids = read_parquet(folder / ITEMS_FILE, ["recipe_id"])["recipe_id"].combine_chunks()
    path = folder / VECTORS_FILE
    try:
        vectors: Float32Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from error
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise ArtifactError(
            f"{path} has shape {vectors.shape}; expected a row for each of the {len(ids)} recipes "
            f"of {ITEMS_FILE}"
        )
    return ids, vectors


def _open_index(folder: Path) -> tuple[pa.Array, Float32Array]:
    """Return ids and vectors of all rows of an index; a dead row has no id.

    Raises
    ------
    ArtifactError
        If a file is missing or damaged.
    """
    try:
        names = json.loads((folder / INDEX_FILE).read_bytes())["segments"]
        places = [folder / "segments" / name for name in names]
        ids = pa.chunked_array([
            chunk
            for path in places
            for chunk in pa.ipc
            .open_file(pa.memory_map(str(path / "items.arrow")))
            .read_all()["recipe_id"]
            .chunks
        ]).combine_chunks()
        parts = [
            np.load(path / "full.vectors.npy", mmap_mode="r", allow_pickle=False) for path in places
        ]
        is_dead = np.zeros(len(ids), dtype=np.bool_)
        is_dead[np.load(folder / "dead.npy", allow_pickle=False)] = True
    except (OSError, ValueError, KeyError, IndexError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"index {folder} cannot be read: {error!r}") from error
    vectors = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return pc.if_else(pa.array(is_dead), pa.scalar(None, pa.string()), ids), vectors


def _sum_vectors(vectors: Float32Array, rows: Int64Array, cell: Int64Array) -> Float64Array:
    """Shape (cells, E): the sum of the vectors of each cell; cells come in ascending order."""
    sums = np.zeros((int(cell.max()) + 1, vectors.shape[1]))
    for start in range(0, len(rows), BLOCK_ROWS):
        block = cell[start : start + BLOCK_ROWS]
        first = np.flatnonzero(np.diff(block, prepend=-1))
        values = vectors[rows[start : start + BLOCK_ROWS]].astype(np.float64)
        sums[block[first]] += np.add.reduceat(values, first, axis=0)
    return sums[np.unique(cell)]


def _compare(cells: pa.Table, centres: Float64Array) -> pa.Table:
    """Set each two dishes of one split side by side."""
    length = np.linalg.norm(centres, axis=1, keepdims=True)
    unit = np.divide(centres, length, out=np.zeros_like(centres), where=length > 0)
    cosine = np.round(unit @ unit.T, _DECIMALS) + 0.0
    own, other = np.nonzero(~np.eye(len(unit), dtype=np.bool_))
    dish = cells["dish"].combine_chunks()
    return pa.table({
        "split": cells["split"].combine_chunks().take(pa.array(own)),
        "dish": dish.take(pa.array(own)),
        "other": dish.take(pa.array(other)),
        "cosine": pa.array(cosine[own, other]),
    })
