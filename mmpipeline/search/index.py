"""One index version, opened, and all that can be asked of it.

A facade: queries become vectors in `ask.compose`, rows are found in `ask.lookup` and answers made
in `ask.ranking`. The first opening of a version hashes every file against its manifest; later ones
trust what was verified, as long as the files look as they did then. In both cases vectors, items,
prototypes, model and encoders are checked to be of one make. All that is large stays mapped.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mmpipeline.arrays import Float32Array, Float64Array, IndexArray
from mmpipeline.errors import NoIndexError, QueryError
from mmpipeline.search.ask.compose import QueryComposer
from mmpipeline.search.ask.lookup import RowLookup
from mmpipeline.search.ask.query_vector import check_vector, compose_vector
from mmpipeline.search.ask.ranking import SearchScope, answer, rank_subsets
from mmpipeline.search.current import current_version, open_version
from mmpipeline.search.load import IndexParts, open_verified
from mmpipeline.search.query import Filters, Query, check_k
from mmpipeline.search.results import Item, SearchResult, SubsetRanking
from mmpipeline.search.vectors.prototypes import Sample, SubsetInfo
from mmpipeline.search.verification_cache import verify_once
from mmpipeline.storage.layout import DataLayout


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
        self._composer = QueryComposer(parts.model, parts.encoder, self._lookup.vector_of)

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
    def embedding_dim(self) -> int:
        """E, the length of a vector of the model's space."""
        return self._parts.model.embedding_dim

    @property
    def dishes(self) -> list[str]:
        """Keys of the dishes that have a prototype, sorted."""
        return self._parts.dishes

    @property
    def dish_names(self) -> dict[str, tuple[str | None, str | None]]:
        """Korean and English name of each dish that has a prototype, by its key."""
        return self._lookup.dish_names

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
        wanted = SearchScope(rows, self._lookup.rows_of(query.named), query.ingredients)
        return answer(self.version, self._parts, self._lookup, asked, k, wanted)

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
        asked = compose_vector(vector, self.embedding_dim)
        wanted = SearchScope(self._lookup.choose_rows(filters, None))
        return answer(self.version, self._parts, self._lookup, asked, k, wanted)

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
        check_k(k, max(1, len(self._parts.prototypes.infos)))
        asked = self._composer.compose(query)
        return rank_subsets(self.version, self._parts, self._lookup, asked, k)

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
        vectors = np.stack([self._composer.compose(example).vector for example in examples])
        info = SubsetInfo(name, "enrolled", len(vectors))
        prototypes = self._parts.prototypes.with_subset(info, Sample.of(vectors, len(vectors)))
        return SearchIndex(self.version, replace(self._parts, prototypes=prototypes))

    def item(self, recipe_id: str) -> Item:
        """Return one recipe of the index, as it is shown; raises `NotFoundError` if none is."""
        return self._lookup.item(recipe_id)

    def facets(self) -> dict[str, dict[str, int]]:
        """Return what can be filtered by: for language, source, dish and tags, counts by value."""
        return self._lookup.facets()

    def example_title(self) -> str:
        """Return a title to try the index with; raises `QueryError` if no recipe has one."""
        return self._lookup.example_title()

    def find_rows(self, vector: Float32Array, k: int) -> tuple[IndexArray, Float64Array]:
        """Find the rows most like a vector.

        Parameters
        ----------
        vector
            Shape (E,), of unit length.
        k
            How many; all when there are not so many.

        Returns
        -------
        tuple of numpy.ndarray
            Rows and their cosines, best first.

        Raises
        ------
        QueryError
            If the vector is of another shape or not finite, or `k` is below 1.
        """
        check_vector(vector, self.embedding_dim)
        return self._parts.space.find(vector, check_k(k, len(self)))

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
            check_vector(vector, self.embedding_dim)
        return self._parts.space.find_many(vectors, check_k(k, len(self)))

    @property
    def rows(self) -> IndexArray:
        """Rows of all recipes of the index, ascending; rows of deleted ones are left out."""
        return self._parts.living_rows()

    def vectors_at(self, rows: IndexArray) -> Float32Array:
        """Return the vectors of some rows, shape (M, E)."""
        return self._parts.space.take(rows)

    def columns_at(self, rows: IndexArray, names: tuple[str, ...]) -> dict[str, Any]:
        """Return columns of `items.ITEMS_SCHEMA` at some rows, each a list of length M."""
        columns: dict[str, Any] = self._parts.items.select(list(names)).take(rows).to_pydict()
        return columns

    def close(self) -> None:
        """Give the mapped files back; the index answers nothing afterwards."""
        del self._parts, self._lookup, self._composer
