"""One index from several that were published of the same model, each over other recipes.

Machines that each embed a part of the recipes publish a version each; their segments are then put
side by side as they stand (hard links), and nothing is embedded again. A recipe that several
versions hold counts as the last of them has it. Prototypes are added up from the parts, which
gives those of all recipes; a recipe that was in several parts counts in each of them. Chances and
thresholds cannot be added up: those of the largest part are taken, until the next publication
measures them anew.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import Float32Array, Int64Array
from mmpipeline.config.publish import IndexConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features.encoder_set import ENCODERS_NAME
from mmpipeline.provenance.code import digest_code
from mmpipeline.search.load import DEAD_NAME, IndexParts, open_parts, write_members
from mmpipeline.search.publish.ann import build_ann
from mmpipeline.search.publish.describe import write_index
from mmpipeline.search.vectors.prototypes import Prototypes, Sample, SubsetInfo
from mmpipeline.search.vectors.recall import measure_recall
from mmpipeline.search.vectors.segment_writer import SEGMENTS
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, digest_file
from mmpipeline.storage.provenance import ArtifactKey

MADE_BY = ("mmpipeline.search.publish.merge:merge_indexes", "mmpipeline.config.publish:IndexConfig")
"""What a merged version is made by, beside its parts."""
_OF_MODEL = ("model.safetensors", "model.json", ENCODERS_NAME)


def merge_versions(
    layout: DataLayout, versions: Sequence[Artifact], config: IndexConfig = IndexConfig()
) -> Artifact:
    """Make an index version of several; it answers when it is promoted.

    Parameters
    ----------
    layout
        The data folder.
    versions
        Index artifacts, at least two, of one model.
    config
        How to check it, and from which size on it gets lists.

    Returns
    -------
    Artifact
        The new version, or the one that was made of them before.

    Raises
    ------
    ArtifactError
        If they are not of one model and the same encoders, or one is damaged.
    StageError
        If fewer than two are given, or too few true neighbours are found.
    """
    inputs = {f"part_{position}": artifact.id for position, artifact in enumerate(versions)}
    model = {"model": versions[0].manifest.inputs.get("model", "")} if versions else {}
    code = digest_code(*MADE_BY)
    key = ArtifactKey("index", model | inputs, config.model_dump(mode="json"), code)
    store = ArtifactStore(layout)
    if (found := store.find(key)) is not None:
        return found
    for artifact in versions:
        artifact.verify()
    with store.create(key) as draft:
        draft.counts = merge_indexes([v.folder for v in versions], draft.folder, config)
    found = store.find(key)
    if found is None:
        raise ArtifactError(f"{store.folder(key)} is not readable after it was written")
    return found


def merge_indexes(versions: Sequence[Path], target: Path, config: IndexConfig) -> dict[str, float]:
    """Write an index version of several.

    Parameters
    ----------
    versions
        Their folders, at least two; of a recipe that several hold, the last one's row lives.
    target
        Folder to fill.
    config
        How to check it, and from which size on it gets lists.

    Returns
    -------
    dict of str to float
        Items, dishes, rows taken over, segments, recall_at_10.

    Raises
    ------
    ArtifactError
        If they are not of one model and the same encoders, or cannot be read.
    StageError
        If fewer than two are given, or too few true neighbours are found.
    """
    if len(versions) < 2:
        raise StageError("merging takes at least two index versions")
    _check_same_model(versions)
    parts = [open_parts(folder) for folder in versions]
    for name in _OF_MODEL:
        shutil.copyfile(versions[0] / name, target / name)
    dead = _dead_rows(parts)
    np.save(target / DEAD_NAME, dead, allow_pickle=False)
    write_members(target, _join_members(parts))
    _join_prototypes(parts, config.prototype_references).write(target)
    described = {
        "calibration": max(parts, key=lambda part: part.living).calibration.to_json(),
        "dead": len(dead),
        "segments": _link_segments(versions, parts, target),
        "prototype": parts[0].described["prototype"],
    }
    write_index(target, parts[0].model, described)
    build_ann(target, config, _queries(open_parts(target), config))
    merged = open_parts(target)
    recall = _measure(merged, config)
    write_index(target, merged.model, {**described, "recall_at_10": recall})
    return {
        "items": float(merged.living),
        "dishes": float(sum(info.kind == "dish" for info in merged.prototypes.infos)),
        "taken_over": float(merged.living),
        "segments": float(len(merged.segments)),
        "recall_at_10": recall,
    }


def _check_same_model(versions: Sequence[Path]) -> None:
    for folder in versions[1:]:
        for name in _OF_MODEL:
            if digest_file(folder / name) != digest_file(versions[0] / name):
                raise ArtifactError(
                    f"{folder} and {versions[0]} differ in {name}: only versions of one model and "
                    "the same encoders can be merged; publish both with one model"
                )


def _dead_rows(parts: Sequence[IndexParts]) -> Int64Array:
    """Return dead rows, numbered through all parts: those that were, and those held by a later."""
    dead, later = [], pa.array([], pa.string())
    stop = sum(part.items.num_rows for part in parts)
    for part in reversed(parts):
        start, stop = stop - part.items.num_rows, stop - part.items.num_rows
        ids = part.items["recipe_id"].combine_chunks()
        gone = pc.is_in(ids, value_set=later).to_numpy(zero_copy_only=False).copy()
        if part.alive is not None:
            gone |= ~part.alive
        dead.append(start + np.flatnonzero(gone))
        later = pa.concat_arrays([later, ids.filter(pa.array(~gone))])
    return np.sort(np.concatenate(dead)).astype(np.int64)


def _link_segments(
    versions: Sequence[Path], parts: Sequence[IndexParts], target: Path
) -> list[str]:
    """Put the segments of all versions side by side under new numbers; return their names."""
    names: list[str] = []
    for folder, part in zip(versions, parts, strict=True):
        for segment in part.segments:
            names.append(f"{len(names):06d}")
            place = target / SEGMENTS / names[-1]
            place.mkdir(parents=True)
            for path in sorted((folder / SEGMENTS / segment.name).iterdir()):
                try:
                    os.link(path, place / path.name)
                except OSError:  # another file system, or one without links
                    shutil.copyfile(path, place / path.name)
    return names


def _join_members(parts: Sequence[IndexParts]) -> dict[str, pa.Array]:
    names = sorted({name for part in parts for name in part.members})
    return {
        name: pc.unique(
            pa.concat_arrays([part.members[name] for part in parts if name in part.members])
        )
        for name in names
    }


def _join_prototypes(parts: Sequence[IndexParts], references: int) -> Prototypes:
    """Add the samples of each subset up over the parts."""
    infos: dict[str, SubsetInfo] = {}
    samples: dict[str, list[Sample]] = {}
    for part in parts:
        for position, info in enumerate(part.prototypes.infos):
            infos.setdefault(info.subset, info)
            samples.setdefault(info.subset, []).append(part.prototypes.sample(position))
    joined = {name: Sample.join(found, references) for name, found in samples.items()}
    described = [
        SubsetInfo(
            subset=name,
            kind=info.kind,
            items=joined[name].items,
            name_ko=info.name_ko,
            name_en=info.name_en,
            is_known=info.is_known,
        )
        for name, info in infos.items()
    ]
    return Prototypes.make(described, list(joined.values()), parts[0].prototypes.dim)


def _queries(parts: IndexParts, config: IndexConfig) -> Float32Array:
    """Return who asks, shape (Q, E): each the direction between two items, spread evenly."""
    living = parts.living_rows()
    spread = np.linspace(0, len(living) - 1, config.recall_check_queries).astype(np.intp)
    vectors = parts.space.take(living[np.unique(spread)])
    between = vectors + np.roll(vectors, 1, axis=0)
    lengths = np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-12)
    queries: Float32Array = (between / lengths).astype(np.float32)
    return queries


def _measure(parts: IndexParts, config: IndexConfig) -> float:
    space = parts.space
    recall = measure_recall(space.find, space.take, parts.living_rows(), _queries(parts, config))
    if recall < config.min_recall_at_10:
        raise StageError(
            f"recall@10 of the merged index is {recall:.3f}; at least {config.min_recall_at_10} "
            "is demanded (index.min_recall_at_10); publish it from one catalogue instead"
        )
    return recall
