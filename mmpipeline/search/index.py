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

from mmpipeline.errors import ArtifactError, NoIndexError, NotFoundError, QueryError
from mmpipeline.features import QueryEncoder
from mmpipeline.features.encoders import ENCODERS_NAME
from mmpipeline.models import FusionModel, load_model
from mmpipeline.search.answer import (
    DishHit,
    Hit,
    Item,
    SearchResult,
    SubsetHit,
    SubsetRanking,
    Verdict,
)
from mmpipeline.search.compose import ComposedQuery, QueryComposer
from mmpipeline.search.current import check_version, current_version
from mmpipeline.search.exact import find_nearest
from mmpipeline.search.filters import find_rows
from mmpipeline.search.query import Filters, Query, check_k, shared_ingredients
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
        self._composer = QueryComposer(parts.model, parts.encoder, self._vector_of)
        counts = parts.items["dish"].drop_null().value_counts().to_pylist()
        self._dish_sizes = {entry["values"]: entry["counts"] for entry in counts}

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
        NoIndexError
            If nothing has been published yet.
        ArtifactError
            If the version is missing or damaged, or its files do not belong together.
        """
        version = version or current_version(layout)
        if version is None:
            raise NoIndexError(f"no index published yet below {layout.root}: run `make run` first")
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

    @property
    def dish_names(self) -> dict[str, tuple[str | None, str | None]]:
        """Korean and English name of each dish that has a prototype, by its key."""
        return {dish["dish"]: (dish["name_ko"], dish["name_en"]) for dish in self._parts.dishes}

    @property
    def dim(self) -> int:
        """Length of the vectors, E."""
        return int(self._parts.vectors.shape[1])

    def vectors_at(self, rows: npt.NDArray[np.intp]) -> Vector:
        """Return the vectors of some rows, shape (M, E)."""
        vectors: Vector = np.array(self._parts.vectors[rows])
        return vectors

    def columns_at(self, rows: npt.NDArray[np.intp], names: tuple[str, ...]) -> dict[str, Any]:
        """Return columns of `items.ITEMS_SCHEMA` at some rows, each a list of length M."""
        columns: dict[str, Any] = self._parts.items.select(list(names)).take(rows).to_pydict()
        return columns

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

    def search(
        self, query: Query, k: int = 10, filters: Filters | None = None, dish: str | None = None
    ) -> SearchResult:
        """Find the recipes and dishes most like a query.

        Parameters
        ----------
        query
            What is asked with.
        k
            How many of each; all when there are not so many.
        filters
            What the recipes must be; the dishes are ranked as ever. Recipes that pass are always
            found, however few they are.
        dish
            Key of a dish, as in `Hit.dish`: only its recipes.

        Returns
        -------
        SearchResult
            Recipes and dishes, best first; equal scores in the order of their ids.

        Raises
        ------
        QueryError
            If `k` is below 1 or the query holds nothing that can be searched with.
        NotFoundError
            If no recipe is of `dish`, or the query names a recipe that is not here.
        ImageError
            If a photo cannot be used.
        """
        check_k(k, len(self))  # before any work is done
        rows = self._choose_rows(filters, dish)
        return self._answer(self._composer.compose(query), k, rows, query.ingredients)

    def search_within(self, query: Query, dish: str, k: int = 10) -> SearchResult:
        """Find the recipes of one dish that are most like a query; see `search`."""
        return self.search(query, k, dish=dish)

    def search_vector(
        self, vector: Vector, k: int = 10, filters: Filters | None = None
    ) -> SearchResult:
        """Find the recipes and dishes most like a vector of the model's space.

        Parameters
        ----------
        vector
            Shape (E,); scaled to unit length here.
        k, filters
            As for `search`.

        Returns
        -------
        SearchResult
            As from `search`; the one part is called ``vector``.

        Raises
        ------
        QueryError
            If the vector is of another shape, zero or not finite, or `k` is below 1.
        """
        check_k(k, len(self))
        self._check_vector(vector)
        length = float(np.linalg.norm(vector.astype(np.float64)))
        if length == 0:
            raise QueryError("the query vector is zero; expected a direction")
        unit = (vector / length).astype(np.float32)
        asked = ComposedQuery(("vector",), unit[None].astype(np.float64), unit)
        return self._answer(asked, k, self._choose_rows(filters, None), ())

    def rank_subsets(self, query: Query, k: int = 10) -> SubsetRanking:
        """Rank the subsets of the data by their nearness to a query.

        Parameters
        ----------
        query
            What is asked with.
        k
            How many; all when there are not so many.

        Returns
        -------
        SubsetRanking
            Dishes, named subsets and enrolled classes, best first.

        Raises
        ------
        QueryError
            As for `search`.
        ImageError
            If a photo cannot be used.
        """
        check_k(k, max(1, len(self._parts.dishes)))
        asked = self._composer.compose(query)
        rows, scores = find_nearest(self._parts.prototypes, asked.vector, k)
        subsets = [
            SubsetHit(
                rank=rank,
                subset=dish["dish"],
                kind="dish",
                score=float(score),
                items=self._dish_sizes.get(dish["dish"], 0),
                name=dish["name_ko"] or dish["name_en"],
            )
            for rank, (row, score) in enumerate(zip(rows, scores, strict=True), start=1)
            for dish in [self._parts.dishes[row]]
        ]
        return SubsetRanking(version=self.version, asked_with=asked.parts, subsets=subsets)

    def subset_items(self, subset: str, k: int = 10, offset: int = 0) -> list[Item]:
        """Return recipes of a subset in the order of their ids.

        Parameters
        ----------
        subset
            As in `SubsetHit.subset`.
        k
            How many; fewer when there are not so many.
        offset
            How many to leave out first.

        Returns
        -------
        list of Item
            May be empty beyond the end.

        Raises
        ------
        NotFoundError
            If there is no such subset.
        QueryError
            If `k` is below 1 or `offset` below 0.
        """
        check_k(k, len(self))
        if offset < 0:
            raise QueryError(f"offset {offset}: expected 0 or more")
        rows = self._dish_rows(subset)[offset : offset + k]
        return [_make_item(row) for row in self._parts.items.take(rows).to_pylist()]

    def item(self, recipe_id: str) -> Item:
        """Return one recipe of the index.

        Parameters
        ----------
        recipe_id
            Its id.

        Returns
        -------
        Item
            As it is shown.

        Raises
        ------
        NotFoundError
            If the index holds no such recipe.
        """
        return _make_item(self._parts.items.slice(self._row_of(recipe_id), 1).to_pylist()[0])

    def facets(self) -> dict[str, dict[str, int]]:
        """Return what can be filtered by: for language, source, dish and tags, counts by value."""
        items = self._parts.items
        columns = {name: items[name] for name in ("language", "source", "dish")}
        columns["tags"] = pc.list_flatten(items["tags"])
        facets = {}
        for name, column in columns.items():
            counts = column.drop_null().value_counts().to_pylist()
            counts.sort(key=lambda entry: (-entry["counts"], entry["values"]))
            facets[name] = {entry["values"]: entry["counts"] for entry in counts}
        return facets

    def embed(self, query: Query) -> tuple[Vector, tuple[str, ...]]:
        """Embed a query as the recipes were embedded.

        Parameters
        ----------
        query
            What is asked with.

        Returns
        -------
        vector : numpy.ndarray
            Shape (E,), of unit length.
        parts : tuple of str
            Those parts of the query that could be used.

        Raises
        ------
        QueryError
            If no part holds anything.
        ImageError
            If the photo cannot be used.
        """
        asked = self._composer.compose(query)
        return asked.vector, asked.parts

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
        self._check_vector(vector)
        k = check_k(k, len(self) if rows is None else len(rows))
        return find_nearest(self._parts.vectors, vector, k, rows)

    def close(self) -> None:
        """Give the mapped files back; the index answers nothing afterwards."""
        del self._parts

    def _check_vector(self, vector: Vector) -> None:
        dim = self._parts.vectors.shape[1]
        if vector.shape != (dim,):
            raise QueryError(f"query vector of shape {vector.shape}: expected ({dim},)")
        if not np.isfinite(vector).all():
            raise QueryError("the query vector holds NaN or infinity; expected finite numbers")

    def _row_of(self, recipe_id: str) -> int:
        row = pc.index(self._parts.items["recipe_id"], recipe_id).as_py()
        if row < 0:
            raise NotFoundError(f"no recipe {recipe_id[:80]!r} in index {self.version}")
        return int(row)

    def _vector_of(self, recipe_id: str) -> Vector:
        vector: Vector = np.array(self._parts.vectors[self._row_of(recipe_id)])
        return vector

    def _dish_rows(self, dish: str) -> npt.NDArray[np.intp]:
        rows = find_rows(self._parts.items, Filters(dish=(dish,)))
        if not len(rows):
            examples = ", ".join(self.dishes[:3])
            raise NotFoundError(
                f"no recipe of the dish {dish[:80]!r} here; expected one such as {examples}"
            )
        return rows

    def _choose_rows(
        self, filters: Filters | None, dish: str | None
    ) -> npt.NDArray[np.intp] | None:
        """Return the only rows to look at; None means all."""
        rows = None if dish is None else self._dish_rows(dish)
        if not filters:
            return rows
        passing = find_rows(self._parts.items, filters)
        return passing if rows is None else np.intersect1d(rows, passing, assume_unique=True)

    def _answer(
        self,
        asked: ComposedQuery,
        k: int,
        rows: npt.NDArray[np.intp] | None,
        ingredients: tuple[str, ...],
    ) -> SearchResult:
        found, scores = find_nearest(self._parts.vectors, asked.vector, k, rows)
        best = scores[:1] if rows is None else self.find_rows(asked.vector, 1)[1]
        contributions = asked.contributions(self._parts.vectors[found])
        items = self._parts.items.take(found).to_pylist()
        return SearchResult(
            version=self.version,
            asked_with=asked.parts,
            verdict=Verdict(is_confident=None, best_score=float(best[0]), threshold=None),
            items=[
                Hit(
                    rank=rank,
                    score=float(scores[rank - 1]),
                    contributions=contributions[rank - 1],
                    shared_ingredients=shared_ingredients(ingredients, item.pop("ingredients")),
                    tags=tuple(item.pop("tags")),
                    **item,
                )
                for rank, item in enumerate(items, start=1)
            ],
            dishes=self._rank_dishes(asked.vector, k),
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


def _make_item(row: dict[str, Any]) -> Item:
    return Item(**row | {name: tuple(row[name]) for name in ("ingredients", "tags")})


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
