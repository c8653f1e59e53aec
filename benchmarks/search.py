"""Search beside faiss, in one run: exact and approximate, one query and many, opening, verifying.

``python -m benchmarks.search --vectors 200000 --dim 256 --json``

The vectors are clustered: some thousand directions of different weight, with noise, so that lists
help and neighbours are not trivial; queries are drawn like them and are none of them. They
become a real index version, segments, codes, lists, items and manifest, with a small model. All
is measured with one thread: batches in CPU seconds (medians, ours and the peer's in turn), single
queries in wall time, and their ratio to the bandwidth's floor in CPU seconds on both sides, in
turn: the floor is the quicker of two ways to read as many mapped bytes once. What to expect: two
minutes at 200,000 vectors, ten at 1,000,000.

faiss multiplies through OpenBLAS, whose choice of kernel decides the peer's speed. So there are two
ratios of batches. `exact_batch_over_faiss_flat` is against faiss as a user gets it, with the kernel
that OpenBLAS chooses by itself: a variable that overrides it (OPENBLAS_CORETYPE) is taken away, and
said so. `exact_batch_over_faiss_flat_best_kernel` is against faiss with the quickest kernel
this CPU has, which `faiss_flat_best_kernel` names and a user would have to know.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
import torch

from benchmarks.search_index import Vectors, draw_vectors, publish
from benchmarks.search_peers import best_flat
from mmpipeline.models.rounding import tie_width
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.vectors.fp16_scan import use_threads
from mmpipeline.search.verification_cache import verify_once
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact

K = 10
QUERIES = 1024
SINGLE_QUERIES = 300


def measure(count: int, dim: int, repeats: int) -> dict[str, Any]:
    """Measure everything.

    Parameters
    ----------
    count, dim
        Vectors and their length.
    repeats
        Turns of each batch measurement.

    Returns
    -------
    dict
        The figures by name.
    """
    use_threads(1)
    vectors, queries = draw_vectors(count, dim, 1), draw_vectors(QUERIES, dim, 2)
    with tempfile.TemporaryDirectory() as folder:
        layout = DataLayout.at(folder)
        version, build_s = publish(layout, vectors, draw_vectors(400, dim, 3))
        artifact = open_artifact(layout.artifacts("index") / version, "index")
        verify_s = _wall(lambda: verify_once(layout, artifact, always=True))
        open_s = statistics.median(
            _wall(lambda: SearchIndex.open(layout, version)) for _ in range(repeats)
        )
        index = SearchIndex.open(layout, version)
        sizes = {name: entry["bytes"] for name, entry in artifact.manifest.files.items()}
        figures = compare_batches(index, vectors, queries, repeats)
        figures |= measure_single(index, vectors, queries)
        figures |= measure_lists(index, vectors, queries)
    return {
        "vectors": count,
        "dim": dim,
        **figures,
        "build_s": round(build_s, 1),
        "bytes": sum(sizes.values()),
        "verify_s": round(verify_s, 2),
        "open_s": round(open_s, 3),
        "has_bf16": bool(torch.cpu._is_avx512_bf16_supported()),
    }


def compare_batches(
    index: SearchIndex, vectors: Vectors, queries: Vectors, repeats: int
) -> dict[str, Any]:
    """Answer all queries at once, in turn with faiss's flat index; compare the answers."""
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    _cpu(lambda: flat.search(queries[:64], K))
    _cpu(lambda: index.find_many(queries[:64], K))
    ours, peer = [], []
    for _ in range(repeats):
        ours.append(_cpu(lambda: index.find_many(queries, K)))
        peer.append(_cpu(lambda: flat.search(queries, K)))
    kernel, best = best_flat(vectors, queries)
    found = index.find_many(queries, K)[0]
    alone = np.stack([_find_exactly(index, query) for query in queries[:100]])
    truth = _truth(vectors, queries)
    asked = (truth, vectors, queries)
    return {
        "exact_recall_at_10": round(
            min(_recall(found, *asked), _recall(alone, truth[:100], *asked[1:])), 6
        ),
        "faiss_flat_recall_at_10": round(_recall(flat.search(queries, K)[1], *asked), 6),
        "exact_batch_queries_per_cpu_s": round(len(queries) / statistics.median(ours), 1),
        "faiss_flat_queries_per_cpu_s": round(len(queries) / statistics.median(peer), 1),
        "exact_batch_over_faiss_flat": round(statistics.median(peer) / statistics.median(ours), 3),
        "faiss_flat_best_kernel": kernel or "OpenBLAS's own choice",
        "faiss_flat_best_kernel_queries_per_cpu_s": round(len(queries) / best, 1),
        "exact_batch_over_faiss_flat_best_kernel": round(best / statistics.median(ours), 3),
    }


def measure_single(index: SearchIndex, vectors: Vectors, queries: Vectors) -> dict[str, float]:
    """Ask one query at a time, exactly, in turn with reading as many mapped bytes once."""
    nbytes = 2 * vectors.size
    times, costs = [], []
    floors: dict[str, list[float]] = {"dot": [], "sum": []}
    with tempfile.TemporaryFile() as file:
        file.write(np.ones(nbytes // 4, np.float32).tobytes())
        file.flush()
        mapped = np.memmap(file, np.float32, "r")
        whole = torch.from_numpy(np.memmap(file, np.int64, "c"))
        for position in range(SINGLE_QUERIES):
            query, spent = queries[position % len(queries)], time.process_time()
            times.append(_wall(lambda query=query: _find_exactly(index, query)))  # type: ignore[misc]
            costs.append(time.process_time() - spent)
            if position % 3 == 0:
                floors["dot"].append(_cpu(lambda: np.dot(mapped, mapped)))
                floors["sum"].append(_cpu(whole.sum))
    p50 = statistics.median(costs)
    floor = min(statistics.median(found) for found in floors.values())
    return {
        "p50_ms": round(1e3 * statistics.median(times), 3),
        "p99_ms": round(1e3 * float(np.quantile(times, 0.99)), 3),
        "p50_cpu_ms": round(1e3 * p50, 3),
        "read_gb_per_s": round(nbytes / floor / 1e9, 2),
        "p50_over_bandwidth_floor": round(p50 / floor, 3),
    }


def measure_lists(index: SearchIndex, vectors: Vectors, queries: Vectors) -> dict[str, float]:
    """Ask the lists one query at a time, and faiss's own with as many probes."""
    asked = (_truth(vectors, queries), vectors, queries)
    ours = [_timed(lambda q=query: index.find_rows(q, K)[0]) for query in queries]  # type: ignore[misc]
    plans = [segment.vectors.plan for segment in index._parts.segments]
    search_width = max((plan.search_width for plan in plans if plan is not None), default=16)
    lists = max(1, int(4 * len(vectors) ** 0.5))
    centres = faiss.IndexFlatIP(vectors.shape[1])
    peer = faiss.IndexIVFFlat(centres, vectors.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    peer.cp.niter = 8
    peer.train(vectors[:: max(1, len(vectors) // (64 * lists))])
    peer.add(vectors)
    peer.nprobe = search_width
    theirs = [_timed(lambda q=query: peer.search(q[None], K)[1][0]) for query in queries]  # type: ignore[misc]
    return {
        "ann_recall_at_10": round(_recall(np.stack([rows for _, rows in ours]), *asked), 6),
        "ann_p50_ms": round(1e3 * statistics.median(t for t, _ in ours), 3),
        "ann_probes": float(search_width),
        "faiss_ivf_recall_at_10": round(_recall(np.stack([rows for _, rows in theirs]), *asked), 6),
        "faiss_ivf_p50_ms": round(1e3 * statistics.median(t for t, _ in theirs), 3),
    }


def _find_exactly(index: SearchIndex, query: Vectors) -> np.ndarray[Any, Any]:
    return index._parts.space.find(query, K, exact=True)[0]


def _truth(vectors: Vectors, queries: Vectors) -> np.ndarray[Any, Any]:
    """Return the ten nearest rows of each query by float64 scores of the best by float32."""
    found = np.empty((len(queries), K), np.intp)
    items = torch.from_numpy(vectors)
    for start in range(0, len(queries), 128):
        asked = torch.from_numpy(queries[start : start + 128])
        coarse = (asked @ items.T).topk(4 * K, dim=1).indices
        exact = torch.einsum("qke,qe->qk", items[coarse].double(), asked.double())
        best = exact.topk(K, dim=1).indices
        found[start : start + 128] = coarse.gather(1, best).numpy()
    return found


def _recall(
    found: np.ndarray[Any, Any], truth: np.ndarray[Any, Any], vectors: Vectors, queries: Vectors
) -> float:
    """Return the share of the ten nearest that were found; of rows that tie, any is right."""
    width, right = tie_width(vectors.shape[1]), 0
    for rows, best, query in zip(found, truth, queries, strict=False):
        chosen = np.unique(rows[rows >= 0])
        scores = vectors[chosen].astype(float) @ query.astype(float)
        right += int((scores >= (vectors[best].astype(float) @ query).min() - width).sum())
    return right / truth.size


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _wall(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    value = work()
    return time.perf_counter() - started, value


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    arguments
        The command line without the program's name.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--vectors", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON line at the end")
    options = parser.parse_args(arguments)
    overrides = [name for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
    if overrides:
        print(f"without {' and '.join(overrides)}, which override OpenBLAS's choice", flush=True)
        environment = {name: os.environ[name] for name in os.environ if name not in overrides}
        again = [sys.executable, "-m", "benchmarks.search", *(arguments or sys.argv[1:])]
        os.execve(sys.executable, again, environment)
    figures = measure(options.vectors, options.dim, options.repeats)
    print(json.dumps(figures) if options.json else json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
