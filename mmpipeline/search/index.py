"""Opens a published index and answers queries from it.

Opening hashes every file against the manifest and checks that vectors, items, prototypes, model
and encoders are of one make: what opens can be trusted, at the cost of one read of the version.
Vectors stay mapped; only the model and the display columns are held in memory.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch

from mmpipeline.errors import ArtifactError, QueryError
from mmpipeline.features import QueryEncoder
from mmpipeline.features.encoders import ENCODERS_NAME
from mmpipeline.models import FusionModel, load_model
from mmpipeline.schemas import MODALITIES, Modality
from mmpipeline.search.current import check_version, current_version
from mmpipeline.search.exact import find_nearest
from mmpipeline.search.query import (
    DishHit,
    Hit,
    Query,
    SearchResult,
    check_k,
    shared_ingredients,
)
from mmpipeline.storage import Artifact, DataLayout, open_artifact, read_parquet

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class IndexParts:
    """The files of an index version, opened.

    Attributes
    ----------
    vectors
        Shape (N, E), mapped.
    items
        N rows of `items.ITEMS_SCHEMA`.
    prototypes
        Shape (D, E).
    dishes
        Length D, from `dishes.json`.
    """

    vectors: Vector
    items: pa.Table
    prototypes: Vector
    dishes: list[dict[str, Any]]
    model: FusionModel
    encoder: QueryEncoder


class SearchIndex:
    """Answers queries from one index version.

    Use `SearchIndex.open`.

    Parameters
    ----------
    version
        Its id.
    parts
        Its files.
    """

    def __init__(self, version: str, parts: IndexParts) -> None:
        self.version = version
        self._parts = parts

    @classmethod
    def open(cls, layout: DataLayout, version: str | None = None) -> "SearchIndex":
        """Open an index version.

        Parameters
        ----------
        layout
            The data folder.
        version
            Its id; None opens the published one.

        Returns
        -------
        SearchIndex
            Verified.

        Raises
        ------
        QueryError
            If nothing has been published yet.
        ArtifactError
            If the version is missing or damaged, or its files do not belong together.
        """
        version = version or current_version(layout)
        if version is None:
            raise QueryError(f"no index published yet below {layout.root}: run `make run` first")
        check_version(version)
        artifact = open_artifact(layout.artifacts("index") / version, kind="index")
        artifact.verify()
        return cls(version, _open_parts(artifact))

    def __len__(self) -> int:
        """Return the number of recipes in the index."""
        return len(self._parts.vectors)

    @property
    def dishes(self) -> list[str]:
        """Keys of the dishes that have a prototype, sorted."""
        return [dish["dish"] for dish in self._parts.dishes]

    def example_title(self) -> str:
        """Return a title to try the index with: of its first recipe that has one and a dish.

        Raises
        ------
        QueryError
            If no recipe has both.
        """
        items = self._parts.items
        titles = items.filter(pc.is_valid(items["dish"]))["title"].drop_null()
        if not len(titles):
            raise QueryError("no recipe of this index has a title and a dish; ask by photo")
        title: str = titles[0].as_py()
        return title

    def search(self, query: Query, k: int = 10) -> SearchResult:
        """Find the recipes and dishes most like a query.

        Parameters
        ----------
        query
            What is asked with.
        k
            How many of each; all when there are not so many.

        Returns
        -------
        SearchResult
            Recipes and dishes, best first; equal scores in the order of their ids.

        Raises
        ------
        QueryError
            If `k` is below 1 or the query holds nothing that can be searched with.
        ImageError
            If the photo cannot be used.
        """
        return self._answer(query, k, rows=None)

    def search_within(self, query: Query, dish: str, k: int = 10) -> SearchResult:
        """Find the recipes of one dish that are most like a query.

        Parameters
        ----------
        query, k
            As for `search`.
        dish
            Key of a dish, as in `Hit.dish`.

        Returns
        -------
        SearchResult
            Its items are of that dish; its dishes are ranked as ever.

        Raises
        ------
        QueryError
            As for `search`, and if no recipe is of that dish.
        ImageError
            If the photo cannot be used.
        """
        rows = np.flatnonzero(
            pc.fill_null(pc.equal(self._parts.items["dish"], dish), False).to_numpy()
        )
        if not len(rows):
            examples = ", ".join(self.dishes[:3])
            raise QueryError(
                f"no recipe of the dish {dish!r} here; expected one such as {examples}"
            )
        return self._answer(query, k, rows)

    def embed(self, query: Query) -> tuple[Vector, tuple[Modality, ...]]:
        """Embed a query as the recipes were embedded.

        Parameters
        ----------
        query
            What is asked with.

        Returns
        -------
        vector : numpy.ndarray
            Shape (E,), of unit length.
        parts : tuple of Modality
            Those parts of the query that hold something.

        Raises
        ------
        QueryError
            If no part holds anything.
        ImageError
            If the photo cannot be used.
        """
        inputs, mask = self._parts.encoder.encode(
            query.title, query.ingredients, query.instructions, query.image
        )
        if not mask.any():
            raise QueryError(
                "the query is empty: give a title, ingredients, instructions or an image"
            )
        tensors: dict[str, torch.Tensor] = {
            modality: torch.from_numpy(vector) for modality, vector in inputs.items()
        }
        vector: Vector = self._parts.model.embed(tensors, torch.from_numpy(mask)).numpy()[0]
        present = zip(MODALITIES, mask[0], strict=True)
        return vector, tuple(modality for modality, is_present in present if is_present)

    def find_rows(
        self, vector: Vector, k: int, rows: npt.NDArray[np.intp] | None = None
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        """Find the rows most like a vector.

        Parameters
        ----------
        vector
            Shape (E,), of unit length.
        k
            How many; all when there are not so many.
        rows
            The only rows to look at, ascending; None means all.

        Returns
        -------
        tuple of numpy.ndarray
            Rows and their cosines, best first.

        Raises
        ------
        QueryError
            If the vector is of another shape or not finite, or `k` is below 1.
        """
        dim = self._parts.vectors.shape[1]
        if vector.shape != (dim,):
            raise QueryError(f"query vector of shape {vector.shape}: expected ({dim},)")
        if not np.isfinite(vector).all():
            raise QueryError("the query vector holds NaN or infinity; expected finite numbers")
        k = check_k(k, len(self) if rows is None else len(rows))
        return find_nearest(self._parts.vectors, vector, k, rows)

    def _answer(self, query: Query, k: int, rows: npt.NDArray[np.intp] | None) -> SearchResult:
        check_k(k, len(self))  # before any work is done
        vector, asked_with = self.embed(query)
        found, scores = self.find_rows(vector, k, rows)
        items = self._parts.items.take(found).to_pylist()
        return SearchResult(
            version=self.version,
            asked_with=asked_with,
            items=[
                _make_hit(rank, item, score, query)
                for rank, (item, score) in enumerate(zip(items, scores, strict=True), start=1)
            ],
            dishes=self._rank_dishes(vector, k),
        )

    def _rank_dishes(self, vector: Vector, k: int) -> list[DishHit]:
        rows, scores = find_nearest(self._parts.prototypes, vector, k)
        return [
            DishHit(
                rank=rank,
                dish=dish["dish"],
                score=float(score),
                name_ko=dish["name_ko"],
                name_en=dish["name_en"],
                recipes=dish["recipes"],
                is_known=dish["dish_set"] == "known",
            )
            for rank, (row, score) in enumerate(zip(rows, scores, strict=True), start=1)
            for dish in [self._parts.dishes[row]]
        ]


def _make_hit(rank: int, item: dict[str, Any], score: float, query: Query) -> Hit:
    names = item.pop("ingredients")
    return Hit(
        rank=rank,
        score=float(score),
        shared_ingredients=shared_ingredients(query.ingredients, names),
        **item,
    )


def _open_parts(artifact: Artifact) -> IndexParts:
    folder = artifact.folder
    try:
        described = json.loads(artifact.file("index.json").read_bytes())
        parts = IndexParts(
            vectors=np.load(artifact.file("vectors.npy"), mmap_mode="r", allow_pickle=False),
            items=read_parquet(artifact.file("items.parquet")),
            prototypes=np.load(artifact.file("prototypes.npy"), allow_pickle=False),
            dishes=json.loads(artifact.file("dishes.json").read_bytes()),
            model=load_model(folder),
            encoder=QueryEncoder(artifact.file(ENCODERS_NAME)),
        )
        expected = {
            "vectors": (described["items"], described["embedding_dim"]),
            "items": described["items"],
            "prototypes": (described["dishes"], described["embedding_dim"]),
            "dishes": described["dishes"],
            "model takes": described["feature_dims"],
            "encoders give": described["feature_dims"],
            "model gives": described["embedding_dim"],
            "model sha256": described["model_sha256"],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"index {folder} cannot be read ({error!r}); publish again") from error
    found = {
        "vectors": parts.vectors.shape,
        "items": parts.items.num_rows,
        "prototypes": parts.prototypes.shape,
        "dishes": len(parts.dishes),
        "model takes": parts.model.dims,
        "encoders give": parts.encoder.encoders.dims,
        "model gives": parts.model.embedding_dim,
        "model sha256": artifact.manifest.files["model.safetensors"]["sha256"],
    }
    for what, value in expected.items():
        if found[what] != value:
            raise ArtifactError(
                f"index {folder} does not fit together: {what} {found[what]}, expected {value}; "
                "publish again"
            )
    return parts
