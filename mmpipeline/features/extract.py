"""The stage that turns the catalogue into one matrix a modality.

The catalogue is read in batches and the matrices are written row after row, so memory does not
grow with the number of recipes. Photos are decoded by a few threads (Pillow and parts of numpy
let go of the interpreter lock) while texts are encoded here; results are taken in the catalogue's
order, so the number of threads changes no byte. A photo that cannot be used is a missing
modality and a row in `quarantine.parquet`; it never costs the recipe.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features.content import ingredients_content, instructions_content, title_content
from mmpipeline.features.encoders import EncoderSet
from mmpipeline.features.photo import RejectedPhotoError, load_photo
from mmpipeline.schemas import MODALITIES, QUARANTINE_SCHEMA, QuarantineRow
from mmpipeline.storage import DataLayout, ParquetSink

IDS_SCHEMA = pa.schema([pa.field("recipe_id", pa.string(), nullable=False)])
_COLUMNS = ["recipe_id", "source", "title", "ingredients", "instructions", "images"]
_BATCH_ROWS = 256

Row = dict[str, Any]
Vector = npt.NDArray[np.float32]


def extract_features(
    catalog: Path,
    target: Path,
    layout: DataLayout,
    config: FeatureConfig,
    *,
    threads: int | None = None,
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
    threads
        Photos decoded at the same time; None means one a core. Changes no result.

    Returns
    -------
    dict of str to float
        Recipes, recipes that have each modality (``image``, ``title``, ...), photos
        ``quarantined``, and these by reason (``quarantined_heic``).

    Raises
    ------
    ArtifactError
        If the catalogue cannot be read.
    StageError
        If it holds no recipe.
    """
    encoders = EncoderSet.build(config)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        file = stack.enter_context(_open_catalog(catalog))
        rows = file.metadata.num_rows
        if rows == 0:
            raise StageError(f"the catalogue {catalog} holds no recipe; there is nothing to encode")
        writer = stack.enter_context(FeatureWriter(target, rows, encoders))
        pool = stack.enter_context(ThreadPoolExecutor(threads or os.cpu_count() or 1))
        progress = stack.enter_context(
            tqdm(total=rows, desc="features", disable=None, leave=False, ncols=100)
        )
        for batch in _read_batches(file):
            writer.append(_encode_batch(batch, encoders, layout, pool))
            progress.update(len(batch))
        counts = writer.counts
    encoders.write(target)
    return {name: float(count) for name, count in sorted(counts.items())}


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
    vectors: list[Vector]
    presence: npt.NDArray[np.bool_]
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
        self._presence: list[npt.NDArray[np.bool_]] = []
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
            matrix.write(vectors.astype("<f2").tobytes())
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


def _open_catalog(catalog: Path) -> pq.ParquetFile:
    path = catalog / "recipes.parquet"
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from error


def _read_batches(file: pq.ParquetFile) -> Iterator[list[Row]]:
    try:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=_COLUMNS):
            yield batch.to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"the catalogue cannot be read: {error}") from error


def _encode_batch(
    rows: list[Row], encoders: EncoderSet, layout: DataLayout, pool: ThreadPoolExecutor
) -> EncodedBatch:
    photos = pool.map(lambda row: encode_first_photo(row, encoders, layout), rows)
    texts = [
        encoders.encode_texts([title_content(row["title"]) for row in rows]),
        encoders.encode_texts([
            ingredients_content(item["name"] or item["text"] for item in row["ingredients"])
            for row in rows
        ]),
        encoders.encode_texts([instructions_content(row["instructions"]) for row in rows]),
    ]
    image = np.zeros((len(rows), encoders.image.dim), dtype=np.float32)
    has_image = np.zeros(len(rows), dtype=bool)
    quarantine: list[QuarantineRow] = []
    for position, (vector, refused) in enumerate(photos):
        quarantine += refused
        if vector is not None:
            image[position] = vector
            has_image[position] = True
    presence = np.stack([has_image, *(text.any(axis=1) for text in texts)], axis=1)
    ids = [row["recipe_id"] for row in rows]
    return EncodedBatch(ids, [image, *texts], presence, quarantine)


def encode_first_photo(
    row: Row, encoders: EncoderSet, layout: DataLayout
) -> tuple[Vector | None, list[QuarantineRow]]:
    """Encode a recipe's first photo that can be used.

    Parameters
    ----------
    row
        Of the catalogue, with at least recipe_id, source and images.
    encoders
        What encodes it.
    layout
        The data folder.

    Returns
    -------
    tuple
        The vector, shape (dim,), None when no photo can be used; and a row for each refused one.
    """
    refused: list[QuarantineRow] = []
    for image in row["images"]:
        if image["path"] is None:  # the door that brought the recipe has said why
            continue
        try:
            return encode_photo(layout.resolve(image["path"]), encoders), refused
        except RejectedPhotoError as error:
            refused.append(
                QuarantineRow(
                    source=row["source"],
                    recipe_id=row["recipe_id"],
                    place=image["path"],
                    field="images",
                    reason=error.reason,
                    detail=str(error),
                )
            )
    return None, refused


def encode_photo(source: Path | bytes, encoders: EncoderSet) -> Vector:
    """Load and encode one photo, of a recipe or of a query.

    Parameters
    ----------
    source
        The file or its content.
    encoders
        What encodes it.

    Returns
    -------
    numpy.ndarray
        Shape (dim,).

    Raises
    ------
    ImageError
        If it is no photo that can be used.
    """
    photo = load_photo(source, encoders.config.max_pixels, min_edge_px=encoders.image.min_edge_px)
    return encoders.image.encode(photo)
