"""The index version: the stage that embeds every recipe.

Vectors, items and prototypes are written together with the model and the encoders' description,
so a version can never be paired with another model. Beside an earlier version of the same model
only what changed is embedded: unchanged segments are shared as hard links, what is gone or
replaced is marked dead, and a segment with too many dead rows is written anew. What the version
answers follows from its inputs alone; in which segments its rows lie depends on the versions
before.

The catalogue passes through in batches; the subsets' sums are all that stays in memory. How well
the search finds the true neighbours is measured before the version is given away.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mmpipeline.arrays import Float32Array, IndexArray
from mmpipeline.config.publish import IndexConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features.encoder_set import ENCODERS_NAME
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import compute_device
from mmpipeline.models.embed import check_fit, embed_rows
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.weights import load_model
from mmpipeline.progress import Progress
from mmpipeline.schemas import MODALITIES
from mmpipeline.search.current import current_version, promote
from mmpipeline.search.load import IndexParts, open_parts, write_members
from mmpipeline.search.publish.ann import build_ann
from mmpipeline.search.publish.calibration_queries import calibrate, load_calibration_queries
from mmpipeline.search.publish.describe import write_index
from mmpipeline.search.publish.named_subsets import select_members
from mmpipeline.search.publish.previous_version import PreviousVersion, open_previous_version
from mmpipeline.search.publish.subset_sums import SubsetSums
from mmpipeline.search.vectors.items import CATALOG_COLUMNS, make_items
from mmpipeline.search.vectors.prototypes import Prototypes, Sample, SubsetInfo
from mmpipeline.search.vectors.recall import measure_recall
from mmpipeline.search.vectors.segment_writer import RowWriter
from mmpipeline.storage.parquet import read_parquet
from mmpipeline.storage.segments import iterate_recipes

__all__ = ["build_index", "current_version", "promote"]

_BATCH_ROWS = 1024


def build_index(
    model: Path,
    features: Path,
    catalog: Path,
    target: Path,
    config: IndexConfig,
    base: Path | None = None,
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
        Folder to fill: segments, `dead.npy`, prototypes, `index.json`, and copies of the model and
        of `encoders.json`.
    config
        What it holds, and how to check it.
    base
        Folder of an earlier version: what it shares with this one is not embedded again. One of
        another model or other encoders is left aside.

    Returns
    -------
    dict of str to float
        Items, recipes left out because nothing of them could be encoded, dishes, items embedded
        now and taken over from the previous version, segments, recall_at_10.

    Raises
    ------
    ArtifactError
        If an input is missing or damaged, or they do not belong together.
    ConfigError
        If the SQL of a named subset cannot be used.
    StageError
        If there is nothing to index, or too few true neighbours are found.
    """
    fusion = load_model(model).to(compute_device())
    feature_set = FeatureSet.open(features)
    check_fit(fusion, feature_set)
    items = int(feature_set.presence.any(axis=1).sum())
    if not items:
        raise StageError(f"no recipe in {features} has a photo or a text; there is nothing to find")
    _copy_model(model, features, target)
    questions = load_calibration_queries(
        catalog, feature_set, config.calibration_queries, config.seed
    )
    earlier = open_previous_version(base, target)
    rows = _Rows(fusion, feature_set, earlier)
    described = {"prototype": config.prototype, **rows.write(catalog, target, config)}
    write_index(target, fusion, described)
    queries = _check_queries(fusion, feature_set, config)
    build_ann(target, config, queries)
    parts = open_parts(target)
    calibration = calibrate(parts, fusion, feature_set, questions)
    recall = _check_recall(parts, queries, config)
    measured = {"recall_at_10": recall, "calibration": calibration.to_json()}
    write_index(target, fusion, {**described, **measured})
    return {
        "items": float(parts.living),
        "left_out": float(len(feature_set) - items),
        "dishes": float(sum(info.kind == "dish" for info in parts.prototypes.infos)),
        "embedded": float(rows.embedded),
        "taken_over": float(rows.taken_over),
        "segments": float(len(parts.segments)),
        "recall_at_10": recall,
    }


class _Rows:
    """A walk over the catalogue: vectors are taken over from the previous version, or embedded."""

    def __init__(
        self, fusion: FusionModel, features: FeatureSet, base: PreviousVersion | None
    ) -> None:
        self._fusion, self._features, self._base = fusion, features, base
        self.embedded = self.taken_over = 0

    def write(self, catalog: Path, target: Path, config: IndexConfig) -> dict[str, Any]:
        """Fill segments, prototypes and members; return what `index.json` says of the rows."""
        base, dim = self._base, self._fusion.embedding_dim
        sink = RowWriter(target, dim, base.next_segment if base else 0)
        with tempfile.TemporaryDirectory(prefix="subsets-") as spill:
            members = select_members(catalog, config.subsets, Path(spill))
        write_members(target, members)
        sums = SubsetSums(dim, config.prototype_references, members, config.seed)
        for table, rows in read_catalog(catalog, self._features):
            items = make_items(table, self._feature_bytes(rows))
            same = base.match(items) if base else np.full(len(rows), -1)
            fresh = np.flatnonzero(same < 0)
            vectors = self._embed(rows[fresh])
            if len(fresh):
                sink.add(items.take(fresh), vectors)
            full = np.empty((len(rows), dim), np.float32)
            full[fresh] = vectors
            if base:
                base.keep(same[same >= 0])
                full[same >= 0] = base.take(same[same >= 0])
            sums.add(table, full)
            self.embedded += len(fresh)
            self.taken_over += len(rows) - len(fresh)
        names: list[str] = []
        dead = np.zeros(0, np.int64)
        if base:
            names, dead = base.share(target, sink, config)
        sink.close()
        np.save(target / "dead.npy", dead, allow_pickle=False)
        _make_prototypes(sums, catalog, dim).write(target)
        return {"segments": [*names, *sink.names], "dead": len(dead)}

    def _embed(self, rows: IndexArray) -> Float32Array:
        shown = self._features.presence[rows]
        vectors: Float32Array = embed_rows(self._fusion, self._features, rows, shown).numpy()
        return vectors

    def _feature_bytes(self, rows: IndexArray) -> Iterator[bytes]:
        columns = [np.asarray(self._features.matrix(name)[rows]) for name in MODALITIES]
        for position, row in enumerate(rows):
            shown = self._features.presence[row].tobytes()
            yield shown + b"".join(column[position].tobytes() for column in columns)


def read_catalog(catalog: Path, features: FeatureSet) -> Iterator[tuple[pa.Table, IndexArray]]:
    """Yield catalogue rows that have anything to embed, with their rows in the features.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact.
    features
        Of the same catalogue.

    Yields
    ------
    table : pyarrow.Table
        With `CATALOG_COLUMNS`.
    rows : numpy.ndarray
        Of the same length.

    Raises
    ------
    ArtifactError
        If the features were not made from this catalogue.
    """
    start = 0
    with Progress("index", len(features)) as progress:
        for table in iterate_recipes(catalog, CATALOG_COLUMNS, _BATCH_ROWS):
            stop = start + table.num_rows
            if table["recipe_id"].to_pylist() != features.recipe_ids[start:stop]:
                raise ArtifactError(
                    f"{features.folder} was not made from {catalog}: recipes {start} to {stop} "
                    "differ; extract the features again"
                )
            rows = start + np.flatnonzero(features.presence[start:stop].any(axis=1))
            if len(rows):
                yield table.take(rows - start), rows
            progress.update(table.num_rows)
            start = stop


def _make_prototypes(sums: SubsetSums, catalog: Path, dim: int) -> Prototypes:
    named = {row["dish"]: row for row in read_parquet(catalog / "dishes.parquet").to_pylist()}
    dishes, subsets = sums.samples()
    infos = [_describe_dish(dish, sample, named.get(dish, {})) for dish, sample in dishes.items()]
    infos += [SubsetInfo(name, "named", sample.items) for name, sample in subsets.items()]
    return Prototypes.make(infos, [*dishes.values(), *subsets.values()], dim)


def _describe_dish(dish: str, sample: Sample, named: Mapping[str, Any]) -> SubsetInfo:
    return SubsetInfo(
        subset=dish,
        kind="dish",
        items=sample.items,
        name_ko=named.get("name_ko"),
        name_en=named.get("name_en"),
        is_known=named.get("dish_set") == "known",
    )


def _copy_model(model: Path, features: Path, target: Path) -> None:
    for name in ("model.safetensors", "model.json"):
        shutil.copyfile(model / name, target / name)
    shutil.copyfile(features / ENCODERS_NAME, target / ENCODERS_NAME)


def _check_queries(fusion: FusionModel, features: FeatureSet, config: IndexConfig) -> Float32Array:
    """Embed one part each of evenly spread recipes, shape (Q, E)."""
    present = np.flatnonzero(features.presence.any(axis=1))
    spread = np.linspace(0, len(present) - 1, config.recall_check_queries).astype(np.intp)
    asked = present[np.unique(spread)]
    mask = np.zeros((len(asked), len(MODALITIES)), dtype=bool)
    for position, row in enumerate(asked):
        shown = np.flatnonzero(features.presence[row])
        mask[position, shown[position % len(shown)]] = True
    queries: Float32Array = embed_rows(fusion, features, asked, mask).numpy()
    return queries


def _check_recall(parts: IndexParts, queries: Float32Array, config: IndexConfig) -> float:
    """Compare what the index answers with scoring every vector; refuse one that finds too little.

    Raises
    ------
    StageError
        If recall@10 lies below the demanded floor.
    """
    space, living = parts.space, parts.living_rows()
    recall = measure_recall(space.find, space.take, living, queries)
    if recall < config.min_recall_at_10:
        raise StageError(
            f"recall@10 of the search is {recall:.3f} against scoring every vector; at least "
            f"{config.min_recall_at_10} is demanded (index.min_recall_at_10); not published"
        )
    return recall
