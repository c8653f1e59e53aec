"""The order of an answer, in plain Python; and vectors that make it hard: copies, and near ones."""

from collections.abc import Sequence

import numpy as np


def rank_naively(
    rows: Sequence[int], scores: Sequence[float], k: int, width: float
) -> list[tuple[int, float]]:
    """Begin a tie at the best score; all within the width below it belong to it; and so on."""
    left = sorted(zip(scores, rows, strict=True), key=lambda pair: (-pair[0], pair[1]))
    ranked: list[tuple[int, float]] = []
    while left:
        best = left[0][0]
        floor = best - width * max(1.0, abs(best))
        tie = [row for score, row in left if score >= floor]
        ranked += [(row, best) for row in sorted(tie)]
        left = left[len(tie) :]
    return ranked[:k]


def answer_naively(
    vectors: np.ndarray, query: np.ndarray, k: int, allowed: Sequence[int] | None = None
) -> list[tuple[int, float]]:
    """Score every row in float64 and rank."""
    rows = list(range(len(vectors))) if allowed is None else list(allowed)
    scores = (vectors.astype(np.float64) * query.astype(np.float64)).sum(axis=1)
    return rank_naively(rows, scores[rows].tolist(), k, 2 * vectors.shape[1] ** 0.5 * 2.0**-24)


def draw_unit(random: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    """Draw directions, float32."""
    vectors = random.standard_normal((rows, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def draw_copies(random: np.random.Generator, rows: int, dim: int, different: int) -> np.ndarray:
    """Draw rows of which most are copies of others, half of those with some last bits changed."""
    vectors = draw_unit(random, max(1, different), dim)[random.integers(0, max(1, different), rows)]
    towards = random.choice(np.array([-2, 2], np.float32), (rows, dim))
    changed = (random.random((rows, dim)) < 0.5) & (random.random((rows, 1)) < 0.5)
    return np.where(changed, np.nextafter(vectors, towards), vectors)
