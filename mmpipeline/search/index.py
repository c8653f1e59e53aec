"""Answers queries from an opened index version.

The first opening of a version hashes every file against its manifest; later ones trust what was
verified, as long as the files look as they did then. In both cases vectors, items, prototypes,
model and encoders are checked to be of one make. All that is large stays mapped.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import Float32Array, Float64Array, IndexArray
from mmpipeline.errors import NoIndexError, QueryError
from mmpipeline.search.ask.compose import ComposedQuery, QueryComposer
from mmpipeline.search.ask.lookup import RowLookup
from mmpipeline.search.ask.ranking import Wanted, answer
from mmpipeline.search.current import current_version, open_version
from mmpipeline.search.load import IndexParts, count_by_value, open_verified
from mmpipeline.search.query import Filters, Query, check_k
from mmpipeline.search.results import (
    Item,
    SearchResult,
    SubsetHit,
    SubsetRanking,
)
from mmpipeline.search.vectors.prototypes import Rule, Sample, SubsetInfo
from mmpipeline.search.verification_cache import verify_once
from mmpipeline.storage import DataLayout


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
        self._lookup = RowLookup(version, parts)
        self._composer = QueryComposer(parts.model, parts.encoder, self._vector_of)

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
        artifact = open_version(layout, version)
        verify_once(layout, artifact)
        return cls(version, open_verified(artifact))

    def __len__(self) -> int:
        """Return the number of recipes in the index."""
        return self._parts.living

    @property
    def dishes(self) -> list[str]:
        """Keys of the dishes that have a prototype, sorted."""
        return [info.subset for info in self._parts.prototypes.infos if info.kind == "dish"]

    @property
    def embedding_dim(self) -> int:
        """E, the length of a vector of the model's space."""
        return self._parts.model.embedding_dim

    @property
    def described(self) -> dict[str, Any]:
        """What `index.json` says of the version."""
        return dict(self._parts.described)

    @property
    def dish_names(self) -> dict[str, tuple[str | None, str | None]]:
        """Korean and English name of each dish that has a prototype, by its key."""
        infos = self._parts.prototypes.infos
        return {info.subset: (info.name_ko, info.name_en) for info in infos if info.kind == "dish"}

    def vectors_at(self, rows: IndexArray) -> Float32Array:
        """Return the vectors of some rows, shape (M, E)."""
        return self._parts.space.take(rows)

    @property
    def rows(self) -> IndexArray:
        """Rows of all recipes of the index, ascending; rows of deleted ones are left out."""
        alive = self._parts.alive
        return np.arange(self._parts.items.num_rows) if alive is None else np.flatnonzero(alive)

    def columns_at(self, rows: IndexArray, names: tuple[str, ...]) -> dict[str, Any]:
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
        items = self._lookup.living
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
            Key of a dish, as in `Hit.dish`, or name of a named subset: only its recipes.

        Returns
        -------
        SearchResult
            Recipes and dishes, best first; scores too close to tell apart (`ties`) are told as one
            and stand in the order of their rows. Recipes that the query names ("like this one")
            are left out.

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
        rows = self._lookup.choose_rows(filters, dish)
        asked = self._composer.compose(query)
        hidden = self._lookup.rows_of(query.named)
        return self._answer(asked, k, Wanted(rows, hidden, query.ingredients))

    def search_within(self, query: Query, dish: str, k: int = 10) -> SearchResult:
        """Find the recipes of one dish that are most like a query; see `search`."""
        return self.search(query, k, dish=dish)

    def search_vector(
        self, vector: Float32Array, k: int = 10, filters: Filters | None = None
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
        return self._answer(asked, k, Wanted(self._lookup.choose_rows(filters, None)))

    def rank_subsets(self, query: Query, k: int = 10, rule: Rule | None = None) -> SubsetRanking:
        """Rank the subsets of the data by their nearness to a query.

        Parameters
        ----------
        query
            What is asked with.
        k
            How many; all when there are not so many.
        rule
            Which distance (see `prototypes`); None takes the version's own.

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
        infos = self._parts.prototypes.infos
        check_k(k, max(1, len(infos)))
        asked = self._composer.compose(query)
        found = self._parts.prototypes.rank(asked.vector, k, rule=rule or self._rule)
        subsets = [
            SubsetHit(
                rank=rank,
                subset=infos[turn].subset,
                kind=infos[turn].kind,
                score=float(score),
                items=self._lookup.sizes.get(infos[turn].subset, infos[turn].items),
                name=infos[turn].name,
            )
            for rank, (turn, score) in enumerate(zip(*found, strict=True), start=1)
        ]
        return SubsetRanking(version=self.version, asked_with=asked.parts, subsets=subsets)

    def enrol(self, name: str, examples: Sequence[Query]) -> "SearchIndex":
        """Return the index with one more class, known by some examples; nothing is trained.

        Parameters
        ----------
        name
            What it is called; a subset of that name is replaced.
        examples
            At least one: recipes of the index (`like`), photos, texts, or any mix.

        Returns
        -------
        SearchIndex
            The same recipes; `rank_subsets` ranks the class among the others.

        Raises
        ------
        QueryError
            If there is no example, or one holds nothing that can be used.
        NotFoundError
            If an example names a recipe that is not here.
        """
        if not examples:
            raise QueryError(f"the class {name!r} has no example; expected at least one")
        vectors = np.stack([self.embed(example)[0] for example in examples])
        info = SubsetInfo(name, "enrolled", len(vectors))
        prototypes = self._parts.prototypes.with_subset(info, Sample.of(vectors, len(vectors)))
        return SearchIndex(self.version, replace(self._parts, prototypes=prototypes))

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
        rows = self._lookup.subset_rows(subset)[offset : offset + k]
        return [_make_item(self._lookup.read(row)) for row in rows]

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
        return _make_item(self._lookup.read(self._lookup.row_of(recipe_id)))

    def facets(self) -> dict[str, dict[str, int]]:
        """Return what can be filtered by: for language, source, dish and tags, counts by value."""
        return {
            name: count_by_value(self._lookup.living, name)
            for name in ("language", "source", "dish", "tags")
        }

    def embed(self, query: Query) -> tuple[Float32Array, tuple[str, ...]]:
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
        self, vector: Float32Array, k: int, rows: IndexArray | None = None
    ) -> tuple[IndexArray, Float64Array]:
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
        return self._parts.space.find(vector, k, rows)

    def find_many(self, vectors: Float32Array, k: int) -> tuple[IndexArray, Float64Array]:
        """Find the rows most like each of many vectors, exactly; see `space.VectorSpace`.

        Parameters
        ----------
        vectors
            Shape (Q, E), of unit length.
        k
            How many of each; all when there are not so many.

        Returns
        -------
        tuple of numpy.ndarray
            Rows and their cosines, (Q, k), best first.

        Raises
        ------
        QueryError
            If the vectors are of another length or not finite, or `k` is below 1.
        """
        for vector in vectors:
            self._check_vector(vector)
        return self._parts.space.find_many(vectors, check_k(k, len(self)))

    def recipe_ids(self, rows: IndexArray) -> list[str]:
        """Return the ids of rows that `find_rows` or `find_many` returned."""
        ids: list[str] = self._parts.items["recipe_id"].take(pa.array(rows)).to_pylist()
        return ids

    def close(self) -> None:
        """Give the mapped files back; the index answers nothing afterwards."""
        del self._parts, self._lookup

    @property
    def _rule(self) -> Rule:
        rule: Rule = self._parts.described["prototype"]
        return rule

    def _check_vector(self, vector: Float32Array) -> None:
        if vector.shape != (self.embedding_dim,):
            raise QueryError(
                f"query vector of shape {vector.shape}: expected ({self.embedding_dim},)"
            )
        if not np.isfinite(vector).all():
            raise QueryError("the query vector holds NaN or infinity; expected finite numbers")

    def _vector_of(self, recipe_id: str) -> Float32Array:
        vector: Float32Array = self._parts.space.take(np.array([self._lookup.row_of(recipe_id)]))[0]
        return vector

    def _answer(self, asked: ComposedQuery, k: int, wanted: Wanted) -> SearchResult:
        return answer(self.version, self._parts, self._lookup, asked, k, wanted)


def _make_item(row: dict[str, Any]) -> Item:
    return Item(**row | {name: tuple(row[name]) for name in ("ingredients", "tags")})
