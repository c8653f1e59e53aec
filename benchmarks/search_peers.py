"""faiss's flat index with every kernel that its OpenBLAS may choose, for `benchmarks.search`.

OpenBLAS chooses its kernel when it is loaded, by the CPU's name or by OPENBLAS_CORETYPE; where it
does not know the CPU, it takes a slow one. So each kernel is tried in a process of its own.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CORETYPES = ("Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids")
TRIED_ROWS = 50_000
K = 10


def best_flat(vectors: np.ndarray[Any, Any], queries: np.ndarray[Any, Any]) -> tuple[str, float]:
    """Find the kernel with which faiss's flat index answers quickest.

    Parameters
    ----------
    vectors, queries
        Shapes (N, E) and (Q, E), float32. Kernels are compared on the first `TRIED_ROWS`.

    Returns
    -------
    coretype : str
        The value of OPENBLAS_CORETYPE; empty when OpenBLAS's own choice is the quickest.
    seconds : float
        CPU seconds of all queries over all vectors, median of three.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "vectors.npy", vectors)
        np.save(Path(folder) / "queries.npy", queries)
        tried = {name: _ask(folder, name, TRIED_ROWS) for name in ("", *CORETYPES)}
        best = min(tried, key=lambda name: tried[name])
        return best, _ask(folder, best, len(vectors))


def _ask(folder: str, coretype: str, rows: int) -> float:
    """Return the CPU seconds with one kernel; infinity where the CPU cannot run it."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": coretype}
    if not coretype:
        del environment["OPENBLAS_CORETYPE"]
    command = [sys.executable, "-m", "benchmarks.search_peers", folder, str(rows)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return float(json.loads(done.stdout)) if done.returncode == 0 else float("inf")


def answer(folder: Path, rows: int) -> float:
    """Return the CPU seconds of all queries over some vectors, with this process's kernel."""
    import faiss  # loads OpenBLAS

    faiss.omp_set_num_threads(1)
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    queries = np.load(folder / "queries.npy")
    flat = faiss.IndexFlatIP(vectors.shape[1])
    for start in range(0, min(rows, len(vectors)), 65_536):
        flat.add(np.asarray(vectors[start : min(rows, start + 65_536)]))
    flat.search(queries[:64], K)
    spent = []
    for _ in range(3):
        started = time.process_time()
        flat.search(queries, K)
        spent.append(time.process_time() - started)
    return statistics.median(spent)


if __name__ == "__main__" and len(sys.argv) == 3:
    print(json.dumps(answer(Path(sys.argv[1]), int(sys.argv[2]))))
