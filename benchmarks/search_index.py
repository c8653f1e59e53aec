"""An index version of drawn vectors, for `benchmarks.search`: as large as wished, made in seconds.

The vectors are clustered: some thousand directions of different weight, with noise, so that lists
help and neighbours are not trivial. Items, model and encoders are small and only there to be
opened.
"""

import time
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.publish import IndexConfig
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.weights import save_model
from mmpipeline.search.current import promote
from mmpipeline.search.load import DEAD_NAME, write_members
from mmpipeline.search.publish.ann import build_ann
from mmpipeline.search.publish.describe import write_index
from mmpipeline.search.vectors.items import ITEMS_SCHEMA
from mmpipeline.search.vectors.prototypes import Prototypes, Sample, SubsetInfo
from mmpipeline.search.vectors.segment_writer import RowWriter
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.provenance import ArtifactKey

CLUSTERS = 3000
NOISE = 0.9
BATCH = 65_536
ENROLLED = 10
"""Vectors that the one prototype is the mean of."""
Vectors = np.ndarray[Any, np.dtype[np.float32]]


def draw_vectors(count: int, dim: int, seed: int) -> Vectors:
    """Draw unit vectors around weighted cluster directions.

    Parameters
    ----------
    count, dim
        N and E.
    seed
        Of the draw; the directions are the same for every seed.

    Returns
    -------
    numpy.ndarray
        Shape (N, E), float32.
    """
    centres = np.random.default_rng(0).standard_normal((CLUSTERS, dim), np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    weight = 1 / np.arange(1, CLUSTERS + 1) ** 0.5
    random = np.random.default_rng(seed)
    vectors = np.empty((count, dim), np.float32)
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        chosen = random.choice(CLUSTERS, size, p=weight / weight.sum())
        noise = random.standard_normal((size, dim), np.float32) * (NOISE / dim**0.5)
        part = centres[chosen] + noise
        vectors[start : start + size] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def publish(layout: DataLayout, vectors: Vectors, queries: Vectors) -> tuple[str, float]:
    """Make an index version of the vectors, with lists, and let it answer.

    Parameters
    ----------
    layout
        The data folder.
    vectors
        Shape (N, E).
    queries
        Shape (Q, E), by which the lists choose how much they look through.

    Returns
    -------
    version : str
        Its id.
    build_s : float
        CPU seconds of making it, hashing included.
    """
    started = time.process_time()
    key = ArtifactKey("index", {}, {"vectors": len(vectors)}, "benchmark")
    torch.manual_seed(0)
    with ArtifactStore(layout).create(key) as draft:
        encoders = EncoderSet.build(FeatureConfig(text_dim=128))
        encoders.write(draft.folder)
        dims = {str(name): length for name, length in encoders.dims.items()}
        model = FusionModel(dims, 32, vectors.shape[1])
        save_model(model, draft.folder)
        sink = RowWriter(draft.folder, vectors.shape[1])
        for start in range(0, len(vectors), BATCH):
            part = vectors[start : start + BATCH]
            sink.add(_items(start, len(part)), part)
        sink.close()
        np.save(draft.folder / DEAD_NAME, np.zeros(0, np.int64), allow_pickle=False)
        info, sample = SubsetInfo("dish", "dish", ENROLLED), Sample.of(vectors[:ENROLLED], ENROLLED)
        Prototypes.make([info], [sample], vectors.shape[1]).write(draft.folder)
        write_members(draft.folder, {})
        values = {"segments": sink.names}
        write_index(draft.folder, model, values)
        build_ann(draft.folder, IndexConfig(approximate_above=1), queries)
        write_index(draft.folder, model, values)
        draft.counts = {"items": float(len(vectors)), "recall_at_10": 1.0}
    promote(layout, key.id)
    return key.id, time.process_time() - started


def _items(start: int, count: int) -> pa.Table:
    rows = [
        {
            "recipe_id": f"r1m:{start + position:010x}",
            "title": f"recipe {start + position}",
            "language": "en",
            "source": "r1m",
            "ingredients": [],
            "tags": [],
            "group_id": f"{start + position:x}",
            "fingerprint": f"{start + position:032x}",
        }
        for position in range(count)
    ]
    return pa.Table.from_pylist(rows, ITEMS_SCHEMA)
