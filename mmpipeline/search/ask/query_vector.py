"""A query as one vector, with what its parts brought: what `ranking` ranks by.

A part brings the dot product of its term with an item: the sum is linear in its terms, so what
parts brought adds up to the score, exactly. Known to no model: `compose` makes such vectors.
"""

from dataclasses import dataclass

import numpy as np

from mmpipeline.arrays import Float32Array, Float64Array
from mmpipeline.errors import QueryError


@dataclass(frozen=True, slots=True)
class ComposedQuery:
    """A query as a vector, and as the sum of what its parts brought.

    Attributes
    ----------
    parts
        Length P: those parts of the query that could be used.
    terms
        Shape (P, E): their terms; they add up to `vector`.
    vector
        Shape (E,), of unit length.
    """

    parts: tuple[str, ...]
    terms: Float64Array
    vector: Float32Array

    def contributions(self, items: Float32Array) -> list[dict[str, float]]:
        """Return what each part brought to the score of each item.

        Parameters
        ----------
        items
            Shape (K, E), of unit length.

        Returns
        -------
        list of dict
            Length K: by part; the values of one item add up to its score.
        """
        shares = items.astype(np.float64) @ self.terms.T
        return [dict(zip(self.parts, map(float, row), strict=True)) for row in shares]


def compose_vector(vector: Float32Array, dim: int) -> ComposedQuery:
    """Take a vector of the model's space as a query of one part, called ``vector``.

    Parameters
    ----------
    vector
        Shape (E,), of any length but zero.
    dim
        E.

    Returns
    -------
    ComposedQuery
        Of unit length.

    Raises
    ------
    QueryError
        As `check_vector`, and if the vector is zero.
    """
    check_vector(vector, dim)
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if length == 0:
        raise QueryError("the query vector is zero; expected a direction")
    unit = (vector / length).astype(np.float32)
    return ComposedQuery(("vector",), unit[None].astype(np.float64), unit)


def check_vector(vector: Float32Array, dim: int) -> None:
    """Refuse what is no vector of the model's space.

    Parameters
    ----------
    vector
        From outside.
    dim
        E.

    Raises
    ------
    QueryError
        If the vector is of another shape or not finite.
    """
    if vector.shape != (dim,):
        raise QueryError(f"query vector of shape {vector.shape}: expected ({dim},)")
    if not np.isfinite(vector).all():
        raise QueryError("the query vector holds NaN or infinity; expected finite numbers")
