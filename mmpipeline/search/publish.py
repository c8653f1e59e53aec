"""Makes an index version: the stage that embeds every recipe.

Vectors, items and prototypes are written together with the model and the encoders' description,
so a version can never be paired with another model. How well the search finds the true
neighbours is measured before the version is given away. The catalogue passes through in batches;
the dish sums are all that stays in memory.
"""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tqdm import tqdm

from mmpipeline.config import IndexConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.evaluation.embedding import check_fit, embed_rows
from mmpipeline.features import FeatureSet
from mmpipeline.features.encoders import ENCODERS_NAME
from mmpipeline.models import FusionModel, load_model
from mmpipeline.schemas import MODALITIES
from mmpipeline.search.current import current_version, promote
from mmpipeline.search.exact import find_nearest
from mmpipeline.search.items import (
    CATALOG_COLUMNS,
    ITEMS_SCHEMA,
    DishMeans,
    DishSums,
    make_items,
)
from mmpipeline.search.recall import measure_recall
from mmpipeline.storage import ParquetSink, digest_file, read_parquet, write_json_atomic
from mmpipeline.storage.segments import iterate_recipes

__all__ = ["build_index", "current_version", "promote"]

_BATCH_ROWS = 1024


def build_index(
    model: Path, features: Path, catalog: Path, target: Path, config: IndexConfig
) -> dict[str, float]:
    """Embed all recipes and write an index version.

    Parameters
    ----------
    model
        Folder of a model artifact.
    features
        Folder of the features artifact of the same catalogue.
    catalog
        Folder of the catalogue artifact.
    target
        Folder to fill: `vectors.npy` (float32, N x E), `items.parquet`, `prototypes.npy`,
        `dishes.json`, `index.json`, and copies of the model and of `encoders.json`.
    config
        How to check the result.

    Returns
    -------
    dict of str to float
        Items, recipes left out because nothing of them could be encoded, dishes, recall_at_10.

    Raises
    ------
    ArtifactError
        If an input is missing or damaged, or they do not belong together.
    StageError
        If there is nothing to index, or too few true neighbours are found.
    """
    fusion = load_model(model)
    feature_set = FeatureSet.open(features)
    check_fit(fusion, feature_set)
    items = int(feature_set.presence.any(axis=1).sum())
    if not items:
        raise StageError(f"no recipe in {features} has a photo or a text; there is nothing to find")
    sums = DishSums(fusion.embedding_dim)
    with (
        (target / "vectors.npy").open("wb") as file,
        ParquetSink(target / "items.parquet", ITEMS_SCHEMA) as sink,
    ):
        header = {"descr": "<f4", "fortran_order": False, "shape": (items, fusion.embedding_dim)}
        np.lib.format.write_array_header_1_0(file, header)
        for table, vectors in _embed_catalog(fusion, feature_set, catalog):
            file.write(vectors.astype("<f4").tobytes())
            sink.write_table(make_items(table))
            sums.add(table, vectors)
    means = sums.means()
    np.save(target / "prototypes.npy", means.prototypes, allow_pickle=False)
    write_json_atomic(target / "dishes.json", _describe_dishes(means, catalog))
    _copy_model(model, features, target)
    recall = _check_recall(fusion, feature_set, target, config)
    write_json_atomic(target / "index.json", _describe_index(fusion, items, means, recall, target))
    return {
        "items": float(items),
        "left_out": float(len(feature_set) - items),
        "dishes": float(len(means.dishes)),
        "recall_at_10": recall,
    }


def _embed_catalog(
    fusion: FusionModel, features: FeatureSet, catalog: Path
) -> Iterator[tuple[pa.Table, npt.NDArray[np.float32]]]:
    """Yield catalogue rows that have anything to embed, with their vectors.

    Raises
    ------
    ArtifactError
        If the features were not made from this catalogue.
    """
    start = 0
    with tqdm(total=len(features), desc="index", disable=None, leave=False, ncols=100) as progress:
        for table in iterate_recipes(catalog, CATALOG_COLUMNS, _BATCH_ROWS):
            stop = start + table.num_rows
            if table["recipe_id"].to_pylist() != features.recipe_ids[start:stop]:
                raise ArtifactError(
                    f"{features.folder} was not made from {catalog}: recipes {start} to {stop} "
                    "differ; extract the features again"
                )
            rows = start + np.flatnonzero(features.presence[start:stop].any(axis=1))
            if len(rows):
                vectors = embed_rows(fusion, features, rows, features.presence[rows])
                yield table.take(rows - start), vectors.numpy()
            progress.update(table.num_rows)
            start = stop
    if start != len(features):
        raise ArtifactError(
            f"{features.folder} has {len(features)} recipes, {catalog} has {start}; "
            "extract the features again"
        )


def _describe_dishes(means: DishMeans, catalog: Path) -> list[dict[str, Any]]:
    named = {row["dish"]: row for row in read_parquet(catalog / "dishes.parquet").to_pylist()}
    return [
        {
            "dish": dish,
            "recipes": recipes,
            **{key: named.get(dish, {}).get(key) for key in ("name_ko", "name_en", "dish_set")},
        }
        for dish, recipes in zip(means.dishes, means.recipes, strict=True)
    ]


def _copy_model(model: Path, features: Path, target: Path) -> None:
    for name in ("model.safetensors", "model.json"):
        shutil.copyfile(model / name, target / name)
    shutil.copyfile(features / ENCODERS_NAME, target / ENCODERS_NAME)


def _check_recall(
    fusion: FusionModel, features: FeatureSet, target: Path, config: IndexConfig
) -> float:
    """Ask with one part each of evenly spread recipes; refuse an index that finds too little.

    Raises
    ------
    StageError
        If recall@10 lies below the demanded floor.
    """
    vectors = np.load(target / "vectors.npy", mmap_mode="r", allow_pickle=False)
    present = np.flatnonzero(features.presence.any(axis=1))
    spread = np.linspace(0, len(present) - 1, config.recall_check_queries).astype(np.intp)
    asked = present[np.unique(spread)]
    mask = np.zeros((len(asked), len(MODALITIES)), dtype=bool)
    for turn, row in enumerate(asked):
        parts = np.flatnonzero(features.presence[row])
        mask[turn, parts[turn % len(parts)]] = True
    queries = embed_rows(fusion, features, asked, mask).numpy()
    recall = measure_recall(partial(find_nearest, vectors), vectors, queries)
    if recall < config.min_recall_at_10:
        raise StageError(
            f"recall@10 of the search is {recall:.3f} against scoring every vector; at least "
            f"{config.min_recall_at_10} is demanded (index.min_recall_at_10); not published"
        )
    return recall


def _describe_index(
    fusion: FusionModel, items: int, means: DishMeans, recall: float, target: Path
) -> dict[str, Any]:
    encoders = json.loads((target / ENCODERS_NAME).read_bytes())["modalities"]
    return {
        "items": items,
        "dishes": len(means.dishes),
        "embedding_dim": fusion.embedding_dim,
        "feature_dims": fusion.dims,
        "encoders": {modality: encoders[modality]["fingerprint"] for modality in MODALITIES},
        "model_sha256": digest_file(target / "model.safetensors"),
        "search": "exact",
        "recall_at_10": recall,
    }
