"""Exact search over half-precision codes: half the bytes of a scan, and the same answer.

A scan over float16 codes finds candidates, which are scored again in float64 from the float32
vectors. A bound says whether they must hold the answer: with ``e`` the largest distance of a
vector to its code, measured when the segment was written, no row outside of the candidates can
reach more than the last candidate's score plus ``e`` (Cauchy-Schwarz; the query has unit length).
Where the k-th exact score, less the width of a tie, does not exceed that, more candidates are
taken, to all if need be: no recall is to be chosen.

One query is a scan by faiss, bound by the memory's bandwidth. Many are matrix products
(`fp16_batch`); those that it leaves unproven are asked alone.
"""

from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt
import torch

from mmpipeline.arrays import BoolArray, Float32Array, Float64Array, IndexArray
from mmpipeline.errors import ArtifactError
from mmpipeline.models.rounding import tie_width
from mmpipeline.search.vectors.candidates import Candidates, rank_candidates
from mmpipeline.search.vectors.exact import gather_nearest, score_exactly
from mmpipeline.search.vectors.fp16_batch import FLOAT32_SUM, REFINED_MORE, Codes, gather_block
from mmpipeline.search.vectors.fp16_writer import CodeErrors
from mmpipeline.search.vectors.ties import floor_of, rank

LEAST_CANDIDATES = 64
BLOCK_QUERIES = 1024


class Fp16Scan:
    """The vectors of one segment, searched exactly.

    Parameters
    ----------
    vectors
        Shape (N, E), of unit length; mapped.
    codes
        File of a `CodeWriter`.
    errors
        As it returned them.

    Raises
    ------
    ArtifactError
        If the codes do not fit the vectors.
    """

    def __init__(self, vectors: Float32Array, codes: Path, errors: CodeErrors) -> None:
        self.vectors: Float32Array = np.asarray(vectors)  # mapped still; a memmap is slow to index
        self._errors = errors
        try:
            self._index = faiss.read_index(str(codes), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise ArtifactError(f"{codes} cannot be read; publish again") from error
        if (self._index.ntotal, self._index.d) != vectors.shape:
            raise ArtifactError(f"{codes} does not fit its vectors; publish again")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.vectors)

    def codes(self) -> npt.NDArray[np.uint8]:
        """Return the codes as raw bytes, mapped: shape (2 N E,)."""
        raw = self._index.codes
        view: npt.NDArray[np.uint8] = faiss.rev_swig_ptr(raw.data(), raw.size())
        return view

    def find(
        self, query: Float32Array, k: int, allowed: BoolArray | None = None
    ) -> tuple[IndexArray, Float64Array]:
        """Find the rows most like a query.

        Parameters
        ----------
        query
            Shape (E,), of unit length.
        k
            How many; all when there are not so many.
        allowed
            Shape (N,): the only rows to look at. None means all.

        Returns
        -------
        rows : numpy.ndarray of intp
            Best first, ties in the order of their rows.
        scores : numpy.ndarray of float64
            Their cosines; those of a tie are that of its best.
        """
        return rank(*self.gather(query, k, allowed), k, tie_width(len(query)))

    def gather(
        self, query: Float32Array, k: int, allowed: BoolArray | None = None
    ) -> tuple[IndexArray, Float64Array]:
        """Find the rows most like a query, and all that may tie with one of them.

        Parameters
        ----------
        query, k, allowed
            As for `find`.

        Returns
        -------
        rows : numpy.ndarray of intp
            Shape (M,), in no order.
        scores : numpy.ndarray of float64
            Their cosines.
        """
        available = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, available)
        if not k:
            return np.zeros(0, np.intp), np.zeros(0)
        wanted = max(LEAST_CANDIDATES, 2 * k)
        parameters = None
        if allowed is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
            parameters = faiss.SearchParameters(sel=selector)
        slack = self._errors.float16 + len(query) * FLOAT32_SUM
        while 8 * wanted < available:
            coarse, found = self._index.search(query[None], wanted, params=parameters)
            rows = found[0].astype(np.intp)
            exact = score_exactly(self.vectors, query, rows)
            floor = floor_of(exact, k, tie_width(len(query)))
            if coarse[0, -1] + slack < floor:
                near = exact >= floor
                return rows[near], exact[near]
            wanted *= 8
        return gather_nearest(
            self.vectors, query, k, None if allowed is None else np.flatnonzero(allowed)
        )

    def find_many(
        self, queries: Float32Array, k: int, allowed: BoolArray | None = None
    ) -> tuple[IndexArray, Float64Array]:
        """Find the rows most like each of many queries.

        Parameters
        ----------
        queries
            Shape (Q, E), of unit length.
        k, allowed
            As for `find`.

        Returns
        -------
        rows : numpy.ndarray of intp
            Shape (Q, min(k, allowed rows)).
        scores : numpy.ndarray of float64
            Of the same shape.
        """
        k = min(k, len(self) if allowed is None else int(np.count_nonzero(allowed)))
        found = self.gather_many(queries, k, allowed)
        return rank_candidates([found], [0], k, tie_width(queries.shape[1]))

    def gather_many(
        self, queries: Float32Array, k: int, allowed: BoolArray | None = None
    ) -> Candidates:
        """Find the rows most like each of many queries, and all that may tie with one of them.

        Parameters
        ----------
        queries, k, allowed
            As for `find_many`.

        Returns
        -------
        Candidates
            In no order.
        """
        k = min(k, len(self) if allowed is None else int(np.count_nonzero(allowed)))
        columns = k + REFINED_MORE if k else 0
        found = Candidates(
            np.zeros((len(queries), columns), np.intp),
            np.full((len(queries), columns), -np.inf),
            {},
        )
        codes = Codes(self.vectors, self.codes(), self._errors, allowed)
        for start in range(0, len(queries), BLOCK_QUERIES) if k else ():
            block = slice(start, start + BLOCK_QUERIES)
            rows, scores, unproven = gather_block(codes, queries[block], k)
            found.rows[block, : rows.shape[1]] = rows
            found.scores[block, : rows.shape[1]] = scores
            for position in start + np.flatnonzero(unproven):
                found.alone[int(position)] = self.gather(queries[position], k, allowed)
        return found


def use_threads(threads: int) -> None:
    """Set how many threads one scan or one batch may use.

    Parameters
    ----------
    threads
        At least 1.
    """
    faiss.omp_set_num_threads(threads)
    torch.set_num_threads(threads)
