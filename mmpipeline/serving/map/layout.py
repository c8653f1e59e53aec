"""The layout of the embedding space on a plane: t-SNE of an even sample of recipes.

Distances on the map are no distances in the space (t-SNE keeps neighbours, not scale), which is
why the page says so and search never uses it. A sample bounds the time: 5,000 points of 128 take
some twenty seconds on one core.

References
----------
van der Maaten and Hinton, Visualizing Data using t-SNE, JMLR 9 (2008), eq. 4 and 5; by trees as
in van der Maaten, Accelerating t-SNE using Tree-Based Algorithms, JMLR 15 (2014).
"""

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from mmpipeline.arrays import Float32Array, IndexArray

_PERPLEXITY = 30.0
_PCA_DIM = 50
_START_SPREAD = 1e-4  # of the first axis, where the descent begins
_SEED = 2021


def sample_rows(total: int, wanted: int, seed: int = _SEED) -> IndexArray:
    """Draw the recipes that a map shows.

    Parameters
    ----------
    total
        N, recipes in the index.
    wanted
        How many to draw; all when there are not so many.
    seed
        Of the draw.

    Returns
    -------
    numpy.ndarray of intp
        Shape (min(N, wanted),), ascending.
    """
    if total <= wanted:
        return np.arange(total)
    chosen = np.random.default_rng(seed).choice(total, wanted, replace=False)
    return np.sort(chosen)


def lay_out(vectors: Float32Array, seed: int = _SEED) -> Float32Array:
    """Place vectors on a plane so that near ones lie near each other.

    Parameters
    ----------
    vectors
        Shape (M, E), of unit length.
    seed
        Of the descent; the same vectors and seed give the same map on one machine.

    Returns
    -------
    numpy.ndarray of float32
        Shape (M, 2), within 0 to 1, the larger side filling it.
    """
    if len(vectors) < 5 or not np.ptp(vectors, axis=0).any():  # no neighbours to keep: on a line
        return np.linspace((0, 0.5), (1, 0.5), len(vectors), dtype=np.float32)
    with threadpool_limits(limits=1):  # it must not take the cores that answer
        reduced = _reduce(vectors)
        tsne = TSNE(
            perplexity=min(_PERPLEXITY, (len(vectors) - 1) / 3),
            init=_START_SPREAD * reduced[:, :2] / reduced[:, 0].std(),
            random_state=seed,
            n_jobs=1,
        )
        places = tsne.fit_transform(reduced)
    places -= places.min(axis=0)
    scaled: Float32Array = (places / max(places.max(), 1e-9)).astype(np.float32)
    return scaled


def _reduce(vectors: Float32Array) -> Float32Array:
    """Turn vectors to their principal axes, the widest first, and leave out the narrow ones."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    reduced: Float32Array = centred @ axes[:, ::-1][:, :_PCA_DIM]
    return reduced
