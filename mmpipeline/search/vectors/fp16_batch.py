"""Many queries over half-precision codes at once: matrix products in blocks, with a proof.

In bfloat16 where the CPU has it, with the rounding of query, code and product in the bound: of
each chunk of rows only the best coarse score is kept, and the k best rows must lie in the chunks of
the k best scores. What lies in them is scored in float32, and the best of that in float64. Where
the bound does not prove that nothing better lies elsewhere, the query is told to be unproven.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from mmpipeline.arrays import BoolArray, Float32Array, Float64Array, IndexArray
from mmpipeline.models.rounding import tie_width
from mmpipeline.search.vectors.fp16_writer import CodeErrors

BLOCK_ROWS = 2048
CHUNK_ROWS = 16
MORE_CHUNKS = 10
REFINED_QUERIES = 32
REFINED_MORE = 6
FLOAT32_SUM = 2.0**-22
"""Largest error of one addition in float32, with room to spare."""
_BF16_PRODUCT = 2.0**-9  # half a unit in the last place of a product of at most 1


@dataclass(frozen=True, slots=True)
class Codes:
    """Vectors and their codes, of which only some rows may be found.

    Attributes
    ----------
    vectors
        Shape (N, E), of unit length; mapped.
    raw
        Shape (2 N E,): the codes' bytes, mapped.
    errors
        Largest distance of a vector to its code.
    allowed
        Shape (N,): the only rows to look at. None means all.
    """

    vectors: Float32Array
    raw: npt.NDArray[np.uint8]
    errors: CodeErrors
    allowed: BoolArray | None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.vectors)


def gather_block(
    codes: Codes, queries: Float32Array, k: int
) -> tuple[IndexArray, Float64Array, BoolArray]:
    """Look into the chunks whose best coarse score is highest.

    Parameters
    ----------
    codes
        What is searched.
    queries
        Shape (Q, E), of unit length.
    k
        How many are wanted: 1 or more, and no more than there are.

    Returns
    -------
    rows, scores : numpy.ndarray
        Shape (Q, C): candidates, and their float64 scores.
    unproven : numpy.ndarray
        Shape (Q,): whether they may lack one that belongs to the answer, or ties with it.
    """
    chunks = min(k + MORE_CHUNKS, -(-len(codes) // CHUNK_ROWS))
    best, places, slack = _score_chunks(codes, queries, chunks)
    bound = best[:, -1] + slack if chunks * CHUNK_ROWS < len(codes) else np.full(len(best), -2.0)
    parts = []
    for start in range(0, len(queries), REFINED_QUERIES):
        part = slice(start, start + REFINED_QUERIES)
        within = places[part, :, None] * CHUNK_ROWS + np.arange(CHUNK_ROWS)
        candidates = within.reshape(len(within), -1)
        rows, scores, missed = _refine(codes, queries[part], k, candidates)
        bound[part] = np.maximum(bound[part], missed)
        parts.append((rows, scores))
    rows, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    kth_best = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
    return rows, scores, bound >= kth_best - tie_width(queries.shape[1])


def _score_chunks(
    codes: Codes, queries: Float32Array, chunks: int
) -> tuple[Float64Array, IndexArray, Float64Array]:
    """Score all rows coarsely; return the best chunks of rows and the bound's slack.

    Shapes (Q, chunks): coarse score of each chunk's best row, descending, and the chunk's
    number; and (Q,).
    """
    kind = torch.bfloat16 if _has_bf16() else torch.float32
    asked = torch.from_numpy(np.ascontiguousarray(queries))
    rounded = asked.to(kind).T.contiguous()
    best = torch.empty((-(-len(codes) // CHUNK_ROWS), len(queries)), dtype=kind)
    product = torch.empty((BLOCK_ROWS, len(queries)), dtype=kind)
    for start in range(0, len(codes), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(codes))
        whole = -(-(stop - start) // CHUNK_ROWS) * CHUNK_ROWS
        torch.mm(_read_block(codes, start, stop).to(kind), rounded, out=product[: stop - start])
        product[stop - start : whole] = -torch.inf
        if codes.allowed is not None:
            barred = torch.from_numpy(~codes.allowed[start:stop])
            product[: stop - start][barred] = -torch.inf
        chunked = product[:whole].view(-1, CHUNK_ROWS, len(queries))
        first = start // CHUNK_ROWS
        torch.amax(chunked, 1, out=best[first : first + len(chunked)])
    values, places = best.T.contiguous().topk(chunks, dim=1)
    slack = np.full(len(queries), queries.shape[1] * FLOAT32_SUM)
    if kind == torch.bfloat16:
        off = torch.linalg.vector_norm((asked - rounded.T.float()).double(), dim=1).numpy()
        slack += codes.errors.bfloat16 + off * (1 + codes.errors.bfloat16) + _BF16_PRODUCT
    else:
        slack += codes.errors.float16
    return values.double().numpy(), places.numpy().astype(np.intp), slack


def _read_block(codes: Codes, start: int, stop: int) -> torch.Tensor:
    """Return the codes of some rows in float32."""
    width = 2 * codes.vectors.shape[1]
    raw = np.array(codes.raw[start * width : stop * width]).view(np.float16)
    return torch.from_numpy(raw.reshape(stop - start, -1)).float()


def _refine(
    codes: Codes, queries: Float32Array, k: int, candidates: IndexArray
) -> tuple[IndexArray, Float64Array, Float64Array]:
    """Score candidates in float32 and the best of them, some more than k, in float64.

    Returns their rows and scores, (Q, C), and what no other candidate can exceed, (Q,).
    """
    inside = np.minimum(candidates, len(codes) - 1)
    vectors = torch.from_numpy(codes.vectors[inside])
    near = torch.bmm(vectors, torch.from_numpy(np.ascontiguousarray(queries))[:, :, None])
    near = near[:, :, 0]
    barred = candidates >= len(codes)
    if codes.allowed is not None:
        barred |= ~codes.allowed[inside]
    near[torch.from_numpy(barred)] = -torch.inf
    kept = min(k + REFINED_MORE, near.shape[1])
    values, order = near.topk(kept, dim=1)
    rows = np.take_along_axis(inside, order.numpy(), axis=1)
    wide = queries.astype(np.float64)[:, None, :]
    exact = (codes.vectors[rows].astype(np.float64) * wide).sum(axis=-1)  # as `score_exactly`
    exact[~np.isfinite(values.numpy())] = -np.inf
    missed = np.full(len(rows), -2.0)
    if kept < near.shape[1]:
        missed = values[:, -1].double().numpy() + queries.shape[1] * FLOAT32_SUM
    return rows, exact, missed


def _has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported())
