"""The feature set on disk, and the encoder of queries into the same vectors.

Matrices are mapped into memory, so opening costs nothing and only the rows that are used are
read. `QueryEncoder` goes through the same functions as the extraction and rounds to the same
float16, so a query that repeats a recipe's content gets that recipe's vectors bit for bit.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmpipeline.arrays import BoolArray, Float16Array, Float32Array
from mmpipeline.errors import ArtifactError
from mmpipeline.features.content import ingredients_content, instructions_content, title_content
from mmpipeline.features.encoder_set import ENCODERS_NAME, EncoderSet
from mmpipeline.schemas import MODALITIES, Modality
from mmpipeline.storage.parquet import read_parquet


class FeatureSet:
    """The vectors of all recipes of a catalogue, by modality.

    Use `FeatureSet.open`.

    Attributes
    ----------
    folder
        Where it lies.
    recipe_ids
        Length N, in the catalogue's order.
    presence
        Shape (N, 4), columns in the order of `MODALITIES`.
    encoders
        What made it.
    """

    def __init__(
        self,
        folder: Path,
        recipe_ids: list[str],
        presence: BoolArray,
        encoders: EncoderSet,
    ) -> None:
        self.folder = folder
        self.recipe_ids = recipe_ids
        self.presence = presence
        self.encoders = encoders

    @classmethod
    def open(cls, folder: Path) -> "FeatureSet":
        """Open the feature set in a folder.

        Parameters
        ----------
        folder
            Of a features artifact.

        Returns
        -------
        FeatureSet
            With matrices mapped, not read.

        Raises
        ------
        ArtifactError
            If a file is missing, damaged, or of another shape than the others.
        """
        recipe_ids = read_parquet(folder / "ids.parquet").column("recipe_id").to_pylist()
        presence = _map_array(folder / "presence.npy", (len(recipe_ids), len(MODALITIES)), "bool")
        encoders = EncoderSet.open(folder / ENCODERS_NAME)
        features = cls(folder, recipe_ids, np.array(presence), encoders)
        for modality in MODALITIES:
            features.matrix(modality)
        return features

    def __len__(self) -> int:
        """Return the number of recipes."""
        return len(self.recipe_ids)

    @property
    def dims(self) -> dict[Modality, int]:
        """Length of each modality's vectors."""
        return self.encoders.dims

    def matrix(self, modality: Modality) -> Float16Array:
        """Return one modality's vectors.

        Parameters
        ----------
        modality
            One of `MODALITIES`.

        Returns
        -------
        numpy.ndarray
            Shape (N, dim), mapped read-only; zeros in the rows that lack the modality.

        Raises
        ------
        ArtifactError
            If the file is missing or damaged.
        """
        shape = (len(self.recipe_ids), self.dims[modality])
        return _map_array(self.folder / f"{modality}.npy", shape, "float16")

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each recipe, by id."""
        return {recipe_id: row for row, recipe_id in enumerate(self.recipe_ids)}


def _map_array(path: Path, shape: tuple[int, int], dtype: str) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from error
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise ArtifactError(
            f"{path} has shape {array.shape} of {array.dtype}; expected {shape} of {dtype}; "
            "extract the features again"
        )
    return array


class QueryEncoder:
    """Encodes what somebody asks with, as the recipes were encoded.

    Parameters
    ----------
    encoders
        Path of an `encoders.json`, or the encoders themselves.
    """

    def __init__(self, encoders: Path | EncoderSet) -> None:
        self.encoders = EncoderSet.open(encoders) if isinstance(encoders, Path) else encoders

    def encode(
        self,
        title: str | None = None,
        ingredients: Sequence[str] | None = None,
        instructions: Sequence[str] | None = None,
        image: bytes | Path | None = None,
    ) -> tuple[dict[Modality, Float32Array], BoolArray]:
        """Encode any mix of parts.

        Parameters
        ----------
        title
            Of the dish asked for.
        ingredients
            Names or whole lines.
        instructions
            Steps.
        image
            A photo, or where it lies.

        Returns
        -------
        vectors : dict of Modality to numpy.ndarray
            Shape (1, dim) each; zeros where a part is absent.
        mask : numpy.ndarray of bool
            Shape (1, 4): which parts are there. A text without any letter counts as absent.

        Raises
        ------
        ImageError
            If the photo cannot be used.
        """
        texts = self.encoders.encode_texts([
            title_content(title),
            ingredients_content(ingredients or ()),
            instructions_content(instructions or ()),
        ])
        photo = np.zeros(self.encoders.image.dim, dtype=np.float32)
        if image is not None:
            photo = self.encoders.encode_photo(image)
        parts = [photo, *texts]
        mask = np.concatenate([[image is not None], texts.any(axis=1)])[None]
        vectors = {
            modality: part[None].astype(np.float16).astype(np.float32)
            for modality, part in zip(MODALITIES, parts, strict=True)
        }
        return vectors, mask
