"""The stage that turns the catalogue into one matrix a modality.

The catalogue is read in batches and the matrices are written row after row, so memory does not
grow with the number of recipes. What was encoded before comes from a cache; the rest is encoded by
worker processes when it is much, and kept batch by batch, so a killed run goes on where it was.
Neither the cache nor the number of workers changes a byte of the result. A photo that cannot be
used is a missing modality and a row in `quarantine.parquet`; it never costs the recipe.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa

from mmpipeline.arrays import BoolArray, Float16Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.errors import StageError
from mmpipeline.features.cache import EncodingCache
from mmpipeline.features.content import ingredients_content, instructions_content, title_content
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.encoding import CachedEncoding
from mmpipeline.features.photo import RejectedPhotoError
from mmpipeline.features.photo_keys import CACHE_NAME as PHOTO_KEYS
from mmpipeline.features.photo_keys import PhotoKeys
from mmpipeline.features.workers import EncodingWorkers
from mmpipeline.parallel.workers import Workers
from mmpipeline.progress import Progress
from mmpipeline.schemas import MODALITIES, QUARANTINE_SCHEMA, QuarantineRow
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import ParquetSink
from mmpipeline.storage.segments import count_recipes, iterate_recipes

IDS_SCHEMA = pa.schema([pa.field("recipe_id", pa.string(), nullable=False)])
_COLUMNS = ["recipe_id", "source", "title", "ingredients", "instructions", "images"]
_BATCH_ROWS = 256
_ROWS_A_WORKER = 64

Row = dict[str, Any]


def extract_features(
    catalog: Path,
    target: Path,
    layout: DataLayout,
    config: FeatureConfig,
    *,
    cache: Path | None = None,
    processes: int | Workers | None = None,
) -> dict[str, float]:
    """Encode every recipe of a catalogue.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact.
    target
        Folder to fill: `ids.parquet`, a float16 matrix (N, dim) a modality, `presence.npy`
        (N, 4), `encoders.json`, `quarantine.parquet`.
    layout
        The data folder, which photo paths are stored against.
    config
        How to encode.
    cache
        Folder of what was encoded before; None keeps and reuses nothing. Changes no result.
    processes
        How many encode at the same time, None means one a core; or workers that do, and see the
        photos at the same paths. Changes no result.

    Returns
    -------
    dict of str to float
        Recipes, recipes that have each modality (``image``, ``title``, ...), photos
        ``quarantined``, and these by reason (``quarantined_heic``); contents ``encoded``, and
        those ``reused`` because they were encoded before.

    Raises
    ------
    ArtifactError
        If the catalogue cannot be read.
    StageError
        If it holds no recipe.
    """
    encoders = EncoderSet.build(config)
    counts: Counter[str] = Counter(encoded=0, reused=0)
    with ExitStack() as stack:
        rows = count_recipes(catalog)
        if rows == 0:
            raise StageError(f"the catalogue {catalog} holds no recipe; there is nothing to encode")
        writer = stack.enter_context(FeatureWriter(target, rows, encoders))
        names = encoders.cache_names
        encoding = CachedEncoding(
            stack.enter_context(EncodingCache(cache, names["text"])),
            stack.enter_context(EncodingCache(cache, names["image"])),
            PhotoKeys(stack.enter_context(EncodingCache(cache, PHOTO_KEYS))),
            stack.enter_context(EncodingWorkers(config, processes)),
            counts,
        )
        progress = stack.enter_context(Progress("features", rows))
        for table in iterate_recipes(catalog, _COLUMNS, _rows_at_once(processes)):
            writer.append(_encode_batch(table.to_pylist(), encoding, encoders, layout))
            progress.set_postfix(reused=counts["reused"], refresh=False)
            progress.update(table.num_rows)
        counts.update(writer.counts)
    encoders.write(target)
    return {name: float(count) for name, count in sorted(counts.items())}


def _rows_at_once(processes: int | Workers | None) -> int:
    """Return how many recipes make a batch: it is waited for as a whole."""
    many = _ROWS_A_WORKER * processes.count if isinstance(processes, Workers) else 0
    return max(_BATCH_ROWS, many)


@dataclass(slots=True)
class EncodedBatch:
    """Encoded recipes.

    Attributes
    ----------
    recipe_ids
        Length B.
    vectors
        Shape (B, dim) each, in the order of `MODALITIES`; zeros where absent.
    presence
        Shape (B, 4).
    quarantine
        What was wrong with their photos.
    """

    recipe_ids: list[str]
    vectors: list[Float16Array]
    presence: BoolArray
    quarantine: list[QuarantineRow]


class FeatureWriter:
    """Writes the files of a feature set row by row.

    Parameters
    ----------
    folder
        Where to.
    rows
        How many recipes will come, since a matrix file begins with its shape.
    encoders
        What encodes them.
    """

    def __init__(self, folder: Path, rows: int, encoders: EncoderSet) -> None:
        self.counts: Counter[str] = Counter()
        self._folder = folder
        self._presence: list[BoolArray] = []
        with ExitStack() as stack:
            self._ids = stack.enter_context(ParquetSink(folder / "ids.parquet", IDS_SCHEMA))
            self._quarantine = stack.enter_context(
                ParquetSink(folder / "quarantine.parquet", QUARANTINE_SCHEMA)
            )
            self._matrices = [
                stack.enter_context((folder / f"{modality}.npy").open("wb"))
                for modality in MODALITIES
            ]
            for modality, matrix in zip(MODALITIES, self._matrices, strict=True):
                shape = (rows, encoders.dims[modality])
                header = {"descr": "<f2", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(matrix, header)
            self._stack = stack.pop_all()

    def append(self, batch: EncodedBatch) -> None:
        """Add recipes, in the catalogue's order."""
        for recipe_id in batch.recipe_ids:
            self._ids.append({"recipe_id": recipe_id})
        for matrix, vectors in zip(self._matrices, batch.vectors, strict=True):
            matrix.write(vectors.astype("<f2", copy=False).tobytes())
        self._presence.append(batch.presence)
        for row in batch.quarantine:
            self._quarantine.append(row.to_row())
            self.counts[f"quarantined_{row.reason}"] += 1
        self.counts["quarantined"] += len(batch.quarantine)
        self.counts["recipes"] += len(batch.recipe_ids)
        for modality, present in zip(MODALITIES, batch.presence.sum(axis=0), strict=True):
            self.counts[modality] += int(present)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write the presence mask and close the files."""
        if kind is None:
            presence = np.concatenate(self._presence)
            np.save(self._folder / "presence.npy", presence, allow_pickle=False)
        self._stack.__exit__(kind, error, traceback)


def _encode_batch(
    rows: list[Row], encoding: CachedEncoding, encoders: EncoderSet, layout: DataLayout
) -> EncodedBatch:
    contents = [
        [title_content(row["title"]) for row in rows],
        [
            ingredients_content(item["name"] or item["text"] for item in row["ingredients"])
            for row in rows
        ],
        [instructions_content(row["instructions"]) for row in rows],
    ]
    together = encoding.texts([text for texts in contents for text in texts], encoders.text.dim)
    texts = np.split(together, len(contents))
    image, has_image, quarantine = _encode_photos(rows, encoding, encoders.image.dim, layout)
    presence = np.stack([has_image, *(text.any(axis=1) for text in texts)], axis=1)
    return EncodedBatch([row["recipe_id"] for row in rows], [image, *texts], presence, quarantine)


def _encode_photos(
    rows: list[Row], encoding: CachedEncoding, dim: int, layout: DataLayout
) -> tuple[Float16Array, BoolArray, list[QuarantineRow]]:
    """Encode each recipe's first photo that can be used.

    Where the source that brought a recipe left no path, it has said why. The first photos of all
    recipes are tried together, then the second ones of those whose first was refused, and so on.
    """
    vectors = np.zeros((len(rows), dim), dtype=np.float16)
    has_image = np.zeros(len(rows), dtype=bool)
    refused: list[list[QuarantineRow]] = [[] for _ in rows]
    candidates = [[image["path"] for image in row["images"] if image["path"]] for row in rows]
    while waiting := [at for at, paths in enumerate(candidates) if paths and not has_image[at]]:
        paths = [candidates[at].pop(0) for at in waiting]
        outcomes = encoding.photos([layout.resolve(path) for path in paths])
        for at, path, outcome in zip(waiting, paths, outcomes, strict=True):
            if isinstance(outcome, RejectedPhotoError):
                refused[at].append(_refused_row(rows[at], path, outcome))
            else:
                vectors[at] = outcome
                has_image[at] = True
    return vectors, has_image, [row for of_recipe in refused for row in of_recipe]


def _refused_row(row: Row, path: str, error: RejectedPhotoError) -> QuarantineRow:
    return QuarantineRow(
        source=row["source"],
        recipe_id=row["recipe_id"],
        place=path,
        field="images",
        reason=error.reason,
        detail=str(error),
    )
