"""Exact search over half-precision codes: half the bytes of a scan, and the same answer.

A scan over float16 codes finds candidates, which are scored again in float64 from the float32
vectors. A bound says whether they must hold the answer: with ``e`` the largest distance of a
vector to its code, measured when the segment was written, no row outside of the candidates can
reach more than the last candidate's score plus ``e`` (Cauchy-Schwarz; the query has unit length).
Where the k-th exact score, less the width of a tie, does not exceed that, more candidates are
taken, to all if need be: no recall is to be chosen.

One query is a scan by faiss, bound by the memory's bandwidth. Many are matrix products in blocks,
in bfloat16 where the CPU has it, with the rounding of query, code and product in the bound: of
each chunk of rows only the best coarse score is kept, and the k best rows must lie in the chunks
of the k best scores.
"""

from dataclasses import dataclass
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
from mmpipeline.search.vectors.ties import floor_of, rank

LEAST_CANDIDATES = 64
BLOCK_ROWS = 2048
BLOCK_QUERIES = 1024
CHUNK_ROWS = 16
MORE_CHUNKS = 10
REFINED_QUERIES = 32
REFINED_MORE = 6
_BF16_PRODUCT = 2.0**-9  # half a unit in the last place of a product of at most 1
_FLOAT32_SUM = 2.0**-22  # of one addition, with room to spare


@dataclass(frozen=True, slots=True)
class CodeErrors:
    """Largest distance of a vector to its code, over the rows of a segment.

    Attributes
    ----------
    float16
        To the stored code.
    bfloat16
        To the stored code rounded to bfloat16.
    """

    float16: float
    bfloat16: float


class CodeWriter:
    """Turns vectors into float16 codes, a batch at a time, and measures what that costs.

    Parameters
    ----------
    dim
        E.
    """

    def __init__(self, dim: int) -> None:
        self._index = _new_scan(dim)
        self._errors = [0.0, 0.0]

    def add(self, vectors: Float32Array) -> None:
        """Add rows.

        Parameters
        ----------
        vectors
            Shape (B, E), of unit length.
        """
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        codes = torch.from_numpy(vectors.astype(np.float32)).half()
        exact = torch.from_numpy(vectors.astype(np.float64))
        for turn, rounded in enumerate((codes, codes.bfloat16())):
            distance = torch.linalg.vector_norm(exact - rounded.double(), dim=1)
            self._errors[turn] = max(self._errors[turn], float(distance.max()))

    def write(self, path: Path) -> CodeErrors:
        """Write the codes to a file; return the errors of all rows."""
        faiss.write_index(self._index, str(path))
        return CodeErrors(*self._errors)


class CodeScan:
    """The vectors of one segment under one view, searched exactly.

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
        self.vectors = vectors
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
        slack = self._errors.float16 + len(query) * _FLOAT32_SUM
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
        for start in range(0, len(queries), BLOCK_QUERIES) if k else ():
            block = slice(start, start + BLOCK_QUERIES)
            rows, scores, unproven = self._gather_block(queries[block], k, allowed)
            found.rows[block, : rows.shape[1]] = rows
            found.scores[block, : rows.shape[1]] = scores
            for turn in start + np.flatnonzero(unproven):
                found.alone[int(turn)] = self.gather(queries[turn], k, allowed)
        return found

    def _gather_block(
        self, queries: Float32Array, k: int, allowed: BoolArray | None
    ) -> tuple[IndexArray, Float64Array, BoolArray]:
        """Look into the chunks whose best coarse score is highest.

        Shapes (Q, C) and (Q,): candidates, and whether they may lack one.
        """
        chunks = min(k + MORE_CHUNKS, -(-len(self) // CHUNK_ROWS))
        best, places, slack = self._score_chunks(queries, chunks, allowed)
        bound = best[:, -1] + slack if chunks * CHUNK_ROWS < len(self) else np.full(len(best), -2.0)
        parts = []
        for start in range(0, len(queries), REFINED_QUERIES):
            part = slice(start, start + REFINED_QUERIES)
            within = places[part, :, None] * CHUNK_ROWS + np.arange(CHUNK_ROWS)
            candidates = within.reshape(len(within), -1)
            rows, scores, missed = self._refine(queries[part], k, candidates, allowed)
            bound[part] = np.maximum(bound[part], missed)
            parts.append((rows, scores))
        rows, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
        kth_best = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
        return rows, scores, bound >= kth_best - tie_width(queries.shape[1])

    def _score_chunks(
        self, queries: Float32Array, chunks: int, allowed: BoolArray | None
    ) -> tuple[Float64Array, IndexArray, Float64Array]:
        """Score all rows coarsely; return the best chunks of rows and the bound's slack.

        Shapes (Q, chunks): coarse score of each chunk's best row, descending, and the chunk's
        number; and (Q,).
        """
        kind = torch.bfloat16 if _has_bf16() else torch.float32
        asked = torch.from_numpy(np.ascontiguousarray(queries))
        rounded = asked.to(kind).T.contiguous()
        codes, width = self.codes(), 2 * queries.shape[1]
        best = torch.empty((-(-len(self) // CHUNK_ROWS), len(queries)), dtype=kind)
        product = torch.empty((BLOCK_ROWS, len(queries)), dtype=kind)
        for start in range(0, len(self), BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, len(self))
            whole = -(-(stop - start) // CHUNK_ROWS) * CHUNK_ROWS
            raw = np.array(codes[start * width : stop * width]).view(np.float16)
            block = torch.from_numpy(raw.reshape(stop - start, -1)).float().to(kind)
            torch.mm(block, rounded, out=product[: stop - start])
            product[stop - start : whole] = -torch.inf
            if allowed is not None:
                product[: stop - start][torch.from_numpy(~allowed[start:stop])] = -torch.inf
            chunked = product[:whole].view(-1, CHUNK_ROWS, len(queries))
            first = start // CHUNK_ROWS
            torch.amax(chunked, 1, out=best[first : first + len(chunked)])
        values, places = best.T.contiguous().topk(chunks, dim=1)
        slack = np.full(len(queries), queries.shape[1] * _FLOAT32_SUM)
        if kind == torch.bfloat16:
            off = torch.linalg.vector_norm((asked - rounded.T.float()).double(), dim=1).numpy()
            slack += self._errors.bfloat16 + off * (1 + self._errors.bfloat16) + _BF16_PRODUCT
        else:
            slack += self._errors.float16
        return values.double().numpy(), places.numpy().astype(np.intp), slack

    def _refine(
        self, queries: Float32Array, k: int, candidates: IndexArray, allowed: BoolArray | None
    ) -> tuple[IndexArray, Float64Array, Float64Array]:
        """Score candidates in float32 and the best of them, some more than k, in float64.

        Returns their rows and scores, (Q, C), and what no other candidate can exceed, (Q,).
        """
        inside = np.minimum(candidates, len(self) - 1)
        vectors = torch.from_numpy(self.vectors[inside])
        near = torch.bmm(vectors, torch.from_numpy(np.ascontiguousarray(queries))[:, :, None])
        near = near[:, :, 0]
        barred = candidates >= len(self)
        if allowed is not None:
            barred |= ~allowed[inside]
        near[torch.from_numpy(barred)] = -torch.inf
        kept = min(k + REFINED_MORE, near.shape[1])
        values, order = near.topk(kept, dim=1)
        rows = np.take_along_axis(inside, order.numpy(), axis=1)
        wide = queries.astype(np.float64)[:, None, :]
        exact = (self.vectors[rows].astype(np.float64) * wide).sum(axis=-1)  # as `score_exactly`
        exact[~np.isfinite(values.numpy())] = -np.inf
        missed = np.full(len(rows), -2.0)
        if kept < near.shape[1]:
            missed = values[:, -1].double().numpy() + queries.shape[1] * _FLOAT32_SUM
        return rows, exact, missed


def use_threads(threads: int) -> None:
    """Set how many threads one scan or one batch may use.

    Parameters
    ----------
    threads
        At least 1.
    """
    faiss.omp_set_num_threads(threads)
    torch.set_num_threads(threads)


def _new_scan(dim: int) -> faiss.IndexScalarQuantizer:
    return faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )


def _has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported())
