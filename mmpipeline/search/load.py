"""The loading of an index version, whose files are checked to belong together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import BoolArray
from mmpipeline.errors import ArtifactError
from mmpipeline.features.encoder_set import ENCODERS_NAME
from mmpipeline.features.feature_set import QueryEncoder
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.weights import load_model
from mmpipeline.search.parts import IndexRows
from mmpipeline.search.vectors.calibration import Calibration
from mmpipeline.search.vectors.prototypes import Prototypes
from mmpipeline.search.vectors.segment import Segment, open_segment
from mmpipeline.search.vectors.segment_writer import SEGMENTS
from mmpipeline.search.vectors.space import VectorSpace
from mmpipeline.storage.manifest import MANIFEST_NAME, SEAL_NAME, Artifact, digest_file
from mmpipeline.storage.parquet import ParquetSink, read_parquet

FORMAT = 2
INDEX_NAME = "index.json"
DEAD_NAME = "dead.npy"
MEMBERS_NAME = "members.parquet"
_MEMBERS_SCHEMA = pa.schema([
    pa.field("subset", pa.string(), nullable=False),
    pa.field("recipe_id", pa.string(), nullable=False),
])


@dataclass(frozen=True, slots=True)
class IndexParts(IndexRows):
    """All files of an index version, opened.

    Attributes
    ----------
    model, encoder
        What turns a query into a vector.
    """

    model: FusionModel
    encoder: QueryEncoder


def open_parts(folder: Path) -> IndexParts:
    """Open the files in a version's folder, without hashing them.

    Parameters
    ----------
    folder
        Of an index version, or of one that is being made.

    Returns
    -------
    IndexParts
        Mapped where it is large.

    Raises
    ------
    ArtifactError
        If a file is missing, damaged or does not fit the others.
    """
    try:
        parts = _read_parts(folder)
        _check_together(folder, parts)
    except ArtifactError:
        raise
    except Exception as error:  # whatever another version's files make our code raise
        raise ArtifactError(f"index {folder} cannot be read ({error!r}); publish again") from error
    return parts


def _read_parts(folder: Path) -> IndexParts:
    described = json.loads((folder / INDEX_NAME).read_bytes())
    if described["format"] != FORMAT:
        raise ArtifactError(
            f"{folder} has format {described['format']}, this version reads {FORMAT}; publish again"
        )
    model = load_model(folder)
    segments, items, alive, space = _open_rows(folder, described, model.embedding_dim)
    return IndexParts(
        described=described,
        segments=segments,
        items=items,
        alive=alive,
        space=space,
        prototypes=Prototypes.open(folder),
        calibration=Calibration.from_json(described["calibration"]),
        model=model,
        encoder=QueryEncoder(folder / ENCODERS_NAME),
        members=_open_members(folder),
    )


def _check_together(folder: Path, parts: IndexParts) -> None:
    described = parts.described
    pairs = {
        "items": (parts.living, described["items"]),
        "prototypes": (parts.prototypes.dim, described["embedding_dim"]),
        "model takes": (parts.model.dims, described["feature_dims"]),
        "encoders give": (parts.encoder.encoders.dims, described["feature_dims"]),
        "model gives": (parts.model.embedding_dim, described["embedding_dim"]),
        "model sha256": (digest_file(folder / "model.safetensors"), described["model_sha256"]),
    }
    for what, (found, expected) in pairs.items():
        if found != expected:
            raise ArtifactError(
                f"index {folder} does not fit together: {what} {found}, expected {expected}; "
                "publish again"
            )


def open_verified(artifact: Artifact) -> IndexParts:
    """Open a version whose bytes were verified; the model must be the one its manifest names.

    Parameters
    ----------
    artifact
        The version.

    Returns
    -------
    IndexParts
        Of its folder.

    Raises
    ------
    ArtifactError
        As `open_parts`, and if a file lies there that the manifest does not name.
    """
    for path in artifact.folder.rglob("*"):
        name = path.relative_to(artifact.folder).as_posix()
        if path.is_file() and name not in {*artifact.manifest.files, MANIFEST_NAME, SEAL_NAME}:
            raise ArtifactError(f"{path} is not in the manifest; delete it or publish again")
    return open_parts(artifact.folder)


def _open_rows(
    folder: Path, described: dict[str, Any], dim: int
) -> tuple[list[Segment], pa.Table, BoolArray | None, VectorSpace]:
    """Open the segments, all items, the mask of living rows, and their space."""
    segments = [open_segment(folder / SEGMENTS / name, dim) for name in described["segments"]]
    items = pa.concat_tables([segment.items for segment in segments])
    dead = np.load(folder / DEAD_NAME, allow_pickle=False)
    alive = None
    if len(dead):
        alive = np.ones(items.num_rows, dtype=np.bool_)
        alive[dead] = False
    space = VectorSpace([segment.vectors for segment in segments], alive)
    return segments, items, alive, space


def _open_members(folder: Path) -> dict[str, pa.Array]:
    table = read_parquet(folder / MEMBERS_NAME)
    names = table["subset"].unique().to_pylist()
    return {
        name: table.filter(pc.equal(table["subset"], name))["recipe_id"].combine_chunks()
        for name in names
    }


def write_members(folder: Path, members: Mapping[str, pa.Array]) -> None:
    """Write which recipes belong to each named subset.

    Parameters
    ----------
    folder
        Of a version that is being made.
    members
        By name, recipe ids.
    """
    with ParquetSink(folder / MEMBERS_NAME, _MEMBERS_SCHEMA) as sink:
        for name, ids in members.items():
            names = pa.repeat(pa.scalar(name, pa.string()), len(ids))
            sink.write_table(pa.table({"subset": names, "recipe_id": ids}))
