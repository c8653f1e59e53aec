"""Approximate search: faiss lists (IVF) or a graph (HNSW) beside a segment's exact codes.

Only for segments above the size that config names. What the lists find is scored again in float64
like everything else, and they are asked for more while all that they found ties with the answer: a
run of equal rows may go on beyond it. Where it goes on too far a scan answers, so no question costs
much more than a scan. How much the lists look through is chosen when they are made, as the least
that reaches the demanded recall against the exact answer.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import faiss
import numpy as np

from mmpipeline.arrays import BoolArray, Float32Array, Float64Array, IndexArray
from mmpipeline.errors import ArtifactError
from mmpipeline.models.rounding import tie_width
from mmpipeline.search.vectors.exact import gather_nearest, score_exactly
from mmpipeline.search.vectors.ties import floor_of, rank

Kind = Literal["ivf", "hnsw"]

LIST_FACTOR = 4  # times the square root of the rows
TRAINING_ROWS_PER_LIST = 40
HNSW_LINKS = 16
HNSW_BUILD_EFFORT = 80
CANDIDATES = 40
WIDER = 8
MOST_CANDIDATES = 4096  # a graph that collects more takes longer than a scan


@dataclass(frozen=True, slots=True)
class AnnPlan:
    """How the lists of a segment are asked.

    Attributes
    ----------
    kind
        ``ivf`` or ``hnsw``.
    search_width
        Lists looked into, or candidates that the graph keeps.
    recall_at_10
        Share of the exact answer that this finds, as measured on held-out queries.
    """

    kind: Kind
    search_width: int
    recall_at_10: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "AnnPlan":
        """Read plain values; versions of former releases call the width `effort`."""
        former = values.pop("effort", None)
        return cls(**({"search_width": former} | values))


class AnnIndex:
    """The approximate index of one segment.

    Parameters
    ----------
    index
        A trained and filled faiss index.
    """

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: Float32Array, kind: Kind, seed: int) -> Self:
        """Make the lists of a segment's vectors.

        Parameters
        ----------
        vectors
            Shape (N, E), of unit length; mapped.
        kind
            ``ivf`` or ``hnsw``.
        seed
            Of the k-means.

        Returns
        -------
        AnnIndex
            Holding all rows.
        """
        rows, dim = vectors.shape
        if kind == "hnsw":
            graph = faiss.IndexHNSWSQ(
                dim, faiss.ScalarQuantizer.QT_fp16, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT
            )
            graph.hnsw.efConstruction = HNSW_BUILD_EFFORT
            graph.train(np.asarray(vectors[:1024]))
            _add(graph, vectors)
            return cls(graph)
        lists = max(1, int(LIST_FACTOR * np.sqrt(rows)))
        centres = faiss.IndexFlatIP(dim)
        index = faiss.IndexIVFScalarQuantizer(
            centres, dim, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
        )
        index.cp.seed, index.cp.spherical, index.cp.niter = seed, True, 8
        chosen = np.linspace(0, rows - 1, min(rows, TRAINING_ROWS_PER_LIST * lists)).astype(np.intp)
        index.train(np.asarray(vectors[np.unique(chosen)]))
        _add(index, vectors)
        return cls(index)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map the lists in a file.

        Parameters
        ----------
        path
            Of `write`.

        Returns
        -------
        AnnIndex
            Mapped, not read.

        Raises
        ------
        ArtifactError
            If the file cannot be read.
        """
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise ArtifactError(f"{path} cannot be read; publish again") from error
        if isinstance(index, faiss.IndexIVF):
            mapped = faiss.downcast_InvertedLists(index.invlists)
            if isinstance(mapped, faiss.OnDiskInvertedLists):
                mapped.prefetch_nthread = 0  # starting its threads costs five times the search
        return cls(index)

    def write(self, path: Path) -> None:
        """Write the lists to a file."""
        faiss.write_index(self._index, str(path))

    def find(
        self,
        vectors: Float32Array,
        query: Float32Array,
        k: int,
        search_width: int,
        allowed: BoolArray | None = None,
    ) -> tuple[IndexArray, Float64Array]:
        """Find rows that are like a query, most of the most like ones among them.

        Parameters
        ----------
        vectors
            Shape (N, E), what the lists were made of.
        query
            Shape (E,), of unit length.
        k
            How many.
        search_width
            As in `AnnPlan`.
        allowed
            Shape (N,): the only rows to look at. None means all.

        Returns
        -------
        rows : numpy.ndarray of intp
            Best first, at most k, ties in the order of their rows.
        scores : numpy.ndarray of float64
            Their exact cosines; those of a tie are that of its best.
        """
        found = self.gather(vectors, query, k, search_width, allowed)
        if found is None:
            within = None if allowed is None else np.flatnonzero(allowed)
            found = gather_nearest(vectors, query, k, within)
        return rank(*found, k, tie_width(len(query)))

    def gather(
        self,
        vectors: Float32Array,
        query: Float32Array,
        k: int,
        search_width: int,
        allowed: BoolArray | None = None,
    ) -> tuple[IndexArray, Float64Array] | None:
        """Find rows that are like a query, and those within reach that may tie with one of them.

        Parameters
        ----------
        vectors, query, k, search_width, allowed
            As for `find`.

        Returns
        -------
        rows : numpy.ndarray of intp
            Shape (M,), in no order.
        scores : numpy.ndarray of float64
            Their exact cosines.

        None in place of both where so many may tie that an exact search costs less.
        """
        if k < 1:
            return np.zeros(0, np.intp), np.zeros(0)
        selector = None if allowed is None else _select(allowed)
        wanted = max(CANDIDATES, 2 * k)
        while True:
            rows = self._ask(query, wanted, search_width, selector)
            exact = score_exactly(vectors, query, rows)
            is_all = len(rows) < k or len(rows) == self._index.ntotal
            if is_all or exact.min() < floor_of(exact, k, tie_width(len(query))):
                return rows, exact
            if len(rows) < wanted or WIDER * wanted > MOST_CANDIDATES:
                return None
            wanted = min(WIDER * wanted, self._index.ntotal)

    def _ask(
        self, query: Float32Array, wanted: int, search_width: int, selector: faiss.IDSelector | None
    ) -> IndexArray:
        """Return the rows that were reached, best first as far as their codes tell."""
        parameters = self._parameters(search_width, wanted, selector)
        found = self._index.search(query[None], wanted, params=parameters)[1][0]
        rows: IndexArray = found[found >= 0].astype(np.intp)
        return rows

    def _parameters(
        self, search_width: int, wanted: int, selector: faiss.IDSelector | None
    ) -> faiss.SearchParameters:
        chosen = {} if selector is None else {"sel": selector}
        if isinstance(self._index, faiss.IndexHNSW):
            return faiss.SearchParametersHNSW(efSearch=max(search_width, wanted), **chosen)
        return faiss.SearchParametersIVF(nprobe=search_width, **chosen)


def choose_search_width(
    lists: AnnIndex,
    kind: Kind,
    vectors: Float32Array,
    queries: Float32Array,
    truth: IndexArray,
    target: float,
) -> AnnPlan:
    """Find the least effort that reaches a recall.

    Parameters
    ----------
    lists, kind
        What is asked.
    vectors
        Shape (N, E).
    queries
        Shape (Q, E): the first half chooses, the second half measures.
    truth
        Shape (Q, k): the exact answers.
    target
        Recall that the first half must reach.

    Returns
    -------
    AnnPlan
        With the recall of the second half; the greatest effort tried where none reaches it.
    """
    half = max(1, len(queries) // 2)
    search_width = 16
    while search_width < 4096:
        if _recall(lists, vectors, queries[:half], truth[:half], search_width) >= target:
            break
        search_width *= 2
    measured = _recall(lists, vectors, queries[-half:], truth[-half:], search_width)
    return AnnPlan(kind, search_width, measured)


def _recall(
    lists: AnnIndex,
    vectors: Float32Array,
    queries: Float32Array,
    truth: IndexArray,
    search_width: int,
) -> float:
    found = 0
    for query, right in zip(queries, truth, strict=True):
        rows = lists.find(vectors, query, len(right), search_width)[0]
        found += len(np.intersect1d(rows, right))
    return found / truth.size


def _select(allowed: BoolArray) -> faiss.IDSelector:
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


def _add(index: faiss.Index, vectors: Float32Array) -> None:
    for start in range(0, len(vectors), 16_384):
        index.add(np.asarray(vectors[start : start + 16_384]))
