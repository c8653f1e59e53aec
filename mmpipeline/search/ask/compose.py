"""The query vector, a sum whose terms say what each part brought.

Parts of one recipe are embedded by the fusion model, which reads any subset of modalities. Equal
weights give the embedding of all parts; unequal ones give the sum over level sets, ::

    v(w) = sum_i (w_i - w_(i+1)) f({m : w_m >= w_i})      w_1 > w_2 > ... > 0

which is the Lovász extension of the set function f: it is continuous in the weights, equals f of
all parts when all weigh alike, and f of the others when one weighs nothing. Items ("like this")
and examples join as a weighted sum of unit vectors. What is unwanted is projected out (orthogonal
negation), as far as it is there: v - w max(0, <v, u>) u.

The parts of a score are exact: the sum is linear in its terms, and what modalities share in their
joint embedding is divided by the Shapley value over the at most 16 subsets, embedded in one batch.

References
----------
Lovász, "Submodular functions and convexity", 1983, eq. 2. Shapley, "A value for n-person games",
1953, eq. 12. Widdows, "Orthogonal negation in vector spaces", ACL 2003, section 3.
"""

from collections.abc import Callable, Mapping, Sequence
from math import factorial

import numpy as np
import torch

from mmpipeline.arrays import Float32Array, Float64Array
from mmpipeline.errors import QueryError
from mmpipeline.features.feature_set import QueryEncoder
from mmpipeline.models.fusion import FusionModel
from mmpipeline.schemas import MODALITIES, Modality
from mmpipeline.search.ask.query_vector import ComposedQuery
from mmpipeline.search.query import Query

LEAST_LEFT = 1e-3
"""Length below which nothing is left of a unit vector after a projection."""


class QueryComposer:
    """Turns queries into vectors.

    Parameters
    ----------
    model
        The model that embedded the index.
    encoder
        The encoders that it reads.
    find_vector
        Returns an item's vector, shape (E,), by recipe id; raises `QueryError` when there is none.
    """

    def __init__(
        self, model: FusionModel, encoder: QueryEncoder, find_vector: Callable[[str], Float32Array]
    ) -> None:
        self._model = model
        self._encoder = encoder
        self._find_vector = find_vector

    def compose(self, query: Query) -> ComposedQuery:
        """Embed a query.

        Parameters
        ----------
        query
            What is asked with.

        Returns
        -------
        ComposedQuery
            Of unit length.

        Raises
        ------
        QueryError
            If nothing of it can be searched with, it names an unknown item, or nothing is left
            of it after what it excludes.
        ImageError
            If a photo cannot be used.
        """
        query.check()
        return self._compose(query)

    def _compose(self, query: Query) -> ComposedQuery:
        parts, terms = self._embed_own(query)
        for name, vectors in (
            ("like", [self._find_vector(name) for name in query.like]),
            ("examples", [self._compose(example).vector for example in query.examples]),
        ):
            if vectors and query.weight(name) > 0:
                parts.append(name)
                together: Float64Array = np.sum(vectors, axis=0, dtype=np.float64)
                terms.append(query.weight(name) * together)
        if not parts:
            raise QueryError(
                "the query is empty: give a title, ingredients, steps, a photo or a recipe to like"
            )
        joined = _to_unit_sum(np.array(terms), "its parts cancel out")
        if query.minus is not None and query.weight("minus") > 0:
            joined = _exclude(
                joined, self._compose(query.minus).vector.astype(np.float64), query.weight("minus")
            )
            parts.append("minus")
        vector: Float32Array = joined.sum(axis=0).astype(np.float32)
        return ComposedQuery(tuple(parts), joined, vector)

    def _embed_own(self, query: Query) -> tuple[list[str], list[Float64Array]]:
        """Return the modalities that hold something and their terms, in sum of unit length."""
        has_parts = query.title or query.ingredients or query.instructions
        if not has_parts and query.image is None:
            return [], []
        inputs, mask = self._encoder.encode(
            query.title, query.ingredients, query.instructions, query.image
        )
        shown = [name for name, is_shown in zip(MODALITIES, mask[0], strict=True) if is_shown]
        weights: dict[str, float] = {n: query.weight(n) for n in shown if query.weight(n) > 0}
        if not weights:
            return [], []
        names = list(weights)
        columns = [MODALITIES.index(name) for name in names]
        chosen = {name: vector for name, vector in inputs.items() if name in weights}
        embedded = self._embed_subsets(chosen, columns)
        games = _weigh(embedded, list(weights.values()))
        terms = _share(games, len(names))
        # of unit length together, and as heavy as the heaviest part
        return names, list(max(weights.values()) * _to_unit_sum(terms, "its parts cancel out"))

    def _embed_subsets(
        self, inputs: Mapping[Modality, Float32Array], columns: Sequence[int]
    ) -> Float64Array:
        """Shape (2**P, E): the embedding of each subset of P parts; zeros for the empty one."""
        subsets = np.arange(1, 2 ** len(columns))
        mask = np.zeros((len(subsets), len(MODALITIES)), dtype=np.bool_)
        for bit, column in enumerate(columns):
            mask[:, column] = subsets >> bit & 1
        tensors: dict[str, torch.Tensor] = {
            name: torch.from_numpy(vector).expand(len(subsets), -1)
            for name, vector in inputs.items()
        }
        embedded = self._model.embed(tensors, torch.from_numpy(mask)).numpy()
        return np.concatenate([np.zeros((1, embedded.shape[1])), embedded.astype(np.float64)])


def _weigh(embedded: Float64Array, weights: Sequence[float]) -> Float64Array:
    """Return the weighted embedding of each subset: the sum over level sets within it.

    Shape (2**P, E) in and out.
    """
    levels = sorted(set(weights), reverse=True)
    subsets = np.arange(len(embedded))
    games = np.zeros_like(embedded)
    for level, below in zip(levels, [*levels[1:], 0.0], strict=True):
        at_least = sum(1 << bit for bit, weight in enumerate(weights) if weight >= level)
        games += (level - below) * embedded[subsets & at_least]
    return games


def _share(games: Float64Array, parts: int) -> Float64Array:
    """Divide the embedding of all parts among them by the Shapley value; shape (P, E)."""
    subsets = np.arange(len(games))
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    terms = np.zeros((parts, games.shape[1]))
    for bit in range(parts):
        without = subsets[(subsets >> bit & 1) == 0]
        weight = np.array([
            factorial(int(size)) * factorial(parts - int(size) - 1) / factorial(parts)
            for size in sizes[without]
        ])
        terms[bit] = weight @ (games[without | 1 << bit] - games[without])
    return terms


def _exclude(terms: Float64Array, unwanted: Float64Array, weight: float) -> Float64Array:
    """Project an unwanted direction out of a sum of unit length; it becomes one more term.

    Raises
    ------
    QueryError
        If nothing is left.
    """
    taken = -weight * max(0.0, float(terms.sum(axis=0) @ unwanted)) * unwanted
    return _to_unit_sum(
        np.concatenate([terms, taken[None]]), "nothing is left of it without what it excludes"
    )


def _to_unit_sum(terms: Float64Array, problem: str) -> Float64Array:
    length = float(np.linalg.norm(terms.sum(axis=0)))
    if length < LEAST_LEFT:
        raise QueryError(f"the query points nowhere: {problem}; ask with something else")
    return terms / length
