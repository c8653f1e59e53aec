"""Clusters over the recent past: a queue of mean embeddings and k-means on it.

A batch is too small to cluster, the whole data too large to embed each step; a queue of past
batches' vectors is the middle. Centroids are fitted anew once a queue's length has passed, starting
from the last ones, so clusters keep their numbers; between fits new rows take the nearest centroid.
It costs the queue's memory (size x width) and one k-means a queue length. Everything that decides
the result is a buffer, so a checkpoint of the state resumes exactly.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class CentroidQueue(nn.Module):
    """First in, first out; with spherical k-means over what it holds.

    Parameters
    ----------
    width
        Of the vectors, E.
    size
        Vectors it holds; nothing is clustered before it is full.
    clusters
        K, at most `size`.
    iterations
        Of k-means, at most, a fit.
    seed
        Of the first centroids, which are rows of the queue.

    Raises
    ------
    ValueError
        If not 1 <= `clusters` <= `size`.

    References
    ----------
    Chen et al. 2021, Multimodal Clustering Networks for Self-supervised Learning from Unlabeled
    Videos, the clustering part.
    """

    rows: Tensor
    centroids: Tensor
    pushed: Tensor
    fitted_at: Tensor

    def __init__(
        self, width: int, size: int, clusters: int, iterations: int = 20, seed: int = 0
    ) -> None:
        super().__init__()
        if not 1 <= clusters <= size:
            raise ValueError(f"found {clusters} clusters of {size} rows; expected 1 <= K <= rows")
        self._iterations = iterations
        self._seed = seed
        self.register_buffer("rows", torch.zeros(size, width))
        self.register_buffer("centroids", torch.zeros(clusters, width))
        self.register_buffer("pushed", torch.zeros((), dtype=torch.long))
        self.register_buffer("fitted_at", torch.full((), -1, dtype=torch.long))

    @property
    def is_ready(self) -> bool:
        """Whether there are centroids."""
        return int(self.fitted_at) >= 0

    @torch.no_grad()
    def push(self, vectors: Tensor) -> None:
        """Take in a batch; fit centroids when the queue has just filled, or anew.

        Parameters
        ----------
        vectors
            Shape (B, E); scaled to unit length, no gradient is kept.
        """
        size = len(self.rows)
        recent = functional.normalize(vectors, dim=1)[-size:].to(self.rows.dtype)
        start = int(self.pushed) + len(vectors) - len(recent)
        places = (start + torch.arange(len(recent), device=recent.device)) % size
        self.rows[places] = recent
        self.pushed += len(vectors)
        if int(self.pushed) < size:
            return
        if not self.is_ready:
            generator = torch.Generator().manual_seed(self._seed)
            chosen = torch.randperm(size, generator=generator)[: len(self.centroids)]
            self.centroids.copy_(self.rows[chosen.to(self.rows.device)])
            self._fit()
        elif int(self.pushed - self.fitted_at) >= size:
            self._fit()

    @torch.no_grad()
    def assign(self, vectors: Tensor) -> Tensor:
        """Find each vector's cluster.

        Parameters
        ----------
        vectors
            Shape (B, E).

        Returns
        -------
        Tensor
            Shape (B,), int64: the centroid with the largest cosine.

        Raises
        ------
        RuntimeError
            If there are no centroids yet (`is_ready`).
        """
        if not self.is_ready:
            raise RuntimeError("no centroids yet: the queue is not full; ask is_ready first")
        return (vectors.to(self.centroids.dtype) @ self.centroids.T).argmax(dim=1)

    def _fit(self) -> None:
        """Lloyd's steps with cosines; an empty cluster keeps its centroid."""
        self.fitted_at.copy_(self.pushed)
        last = torch.full((len(self.rows),), -1, device=self.rows.device)
        for _ in range(self._iterations):
            nearest = self.assign(self.rows)
            if torch.equal(nearest, last):
                return
            last = nearest
            members = functional.one_hot(nearest, len(self.centroids)).to(self.rows.dtype)
            sums = functional.normalize(members.T @ self.rows, dim=1)
            has_any = members.any(dim=0)[:, None]
            self.centroids.copy_(torch.where(has_any, sums, self.centroids))
