"""Embeddings of rows of a feature set, in batches.

Features are read from their memory-mapped files a batch at a time, so memory stays bounded by
the embeddings themselves.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import CPU, device_of, to_device
from mmpipeline.models.fusion import FusionModel
from mmpipeline.schemas import MODALITIES, Modality

BATCH_ROWS = 2048

QUERY_SUBSETS: dict[str, tuple[Modality, ...]] = {
    "image": ("image",),
    "title": ("title",),
    "ingredients": ("ingredients",),
    "instructions": ("instructions",),
    "text": ("title", "ingredients", "instructions"),
    "full": MODALITIES,
}
"""What a query may show: each single modality, all text, everything."""


def mask_subset(presence: BoolArray, subset: tuple[Modality, ...]) -> BoolArray:
    """Hide everything outside a subset of modalities.

    Parameters
    ----------
    presence
        Shape (N, 4): what each recipe has.
    subset
        The modalities to leave.

    Returns
    -------
    numpy.ndarray
        Shape (N, 4), bool; a row may be empty.
    """
    shown: BoolArray = presence & np.array([name in subset for name in MODALITIES])
    return shown


def check_fit(model: FusionModel, features: FeatureSet) -> None:
    """Check that a model reads the vectors of a feature set.

    Parameters
    ----------
    model
        The model.
    features
        The feature set.

    Raises
    ------
    ArtifactError
        If names, order or widths of the modalities differ.
    """
    expected = {name: int(features.dims[name]) for name in MODALITIES}
    if list(model.dims.items()) != list(expected.items()):
        raise ArtifactError(
            f"the model reads {model.dims}, the features hold {expected}; "
            "use the features that the model was trained on, or train again"
        )


class Embedder(Protocol):
    """What turns features into vectors: a model, or what stands in for one."""

    @property
    def embedding_dim(self) -> int:
        """Length of its vectors."""

    def embed(self, inputs: Mapping[str, Tensor], mask: Tensor) -> Tensor:
        """Return unit vectors, shape (B, E), of inputs by modality, as far as a mask shows them."""


def embed_rows(model: Embedder, features: FeatureSet, rows: Int64Array, mask: BoolArray) -> Tensor:
    """Embed recipes as far as a mask shows them.

    Parameters
    ----------
    model
        The model; it computes where its weights are.
    features
        The feature set.
    rows
        Shape (B,), rows of the feature set.
    mask
        Shape (B, 4), what each shows; at least one part, and only parts that are present.

    Returns
    -------
    Tensor
        Shape (B, E), float32, rows of unit length; on the CPU.

    Raises
    ------
    StageError
        If an embedding is not finite.
    """
    vectors = torch.empty(len(rows), model.embedding_dim)
    device = device_of(model)
    for start in range(0, len(rows), BATCH_ROWS):
        chosen = slice(start, min(start + BATCH_ROWS, len(rows)))
        inputs = gather_features(features, rows[chosen], rows[chosen], device)
        shown = to_device(torch.from_numpy(mask[chosen]), device)
        vectors[chosen] = model.embed(inputs, shown).cpu()
    check_embeddings(vectors, [str(features.recipe_ids[row]) for row in rows])
    return vectors


def gather_features(
    features: FeatureSet,
    image_rows: NDArray[np.integer],
    text_rows: NDArray[np.integer],
    device: torch.device = CPU,
) -> dict[str, Tensor]:
    """Read the feature vectors of items whose photo and text may come from different recipes.

    Parameters
    ----------
    features
        The feature set.
    image_rows, text_rows
        Shape (B,), rows of the feature set; -1, for a part that is not shown, reads any row.
    device
        Where the vectors are needed; they are copied there as they are stored, then widened.

    Returns
    -------
    dict of Tensor
        By modality, shape (B, D), float32.
    """
    stored = {
        name: np.asarray(features.matrix(name)[image_rows if name == "image" else text_rows])
        for name in MODALITIES
    }
    return {  # torch widens float16 in a quarter of numpy's time
        name: to_device(torch.from_numpy(vectors), device).float()
        for name, vectors in stored.items()
    }


def check_embeddings(vectors: Tensor, recipe_ids: list[str]) -> None:
    """Stop on vectors that hold something other than finite numbers.

    Parameters
    ----------
    vectors
        Shape (N, E).
    recipe_ids
        N ids, for the message.

    Raises
    ------
    StageError
        Naming the first recipe concerned.
    """
    broken = (~vectors.isfinite().all(dim=1)).nonzero().flatten()
    if len(broken):
        raise StageError(
            f"{len(broken)} of {len(vectors)} embeddings are not finite, the first of recipe "
            f"{recipe_ids[int(broken[0])]}; the model is broken: train it again"
        )
