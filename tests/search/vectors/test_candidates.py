"""Candidates of several segments are ranked as if they had been one list a question."""

import numpy as np

from mmpipeline.search.vectors.candidates import Candidates, rank_candidates
from mmpipeline.search.vectors.ties import rank

WIDTH = 1e-6


def test_segments_and_questions_asked_alone_are_ranked_as_one_list() -> None:
    random = np.random.default_rng(5)
    rows = np.stack([random.permutation(30)[:8] for _ in range(12)]).reshape(2, 6, 8)
    scores = random.integers(0, 5, size=(2, 6, 8)) / 4  # many ties
    scores[0, 1, 5:] = -np.inf  # no candidates
    alone = {3: (np.arange(12), np.linspace(0.5, 0.9, 12))}
    found = [Candidates(rows[0], scores[0], alone), Candidates(rows[1], scores[1], {})]
    best_rows, best = rank_candidates(found, [0, 100], 4, WIDTH)
    for turn in range(6):
        parts = [part.of(turn) for part in found]
        joined = np.concatenate([parts[0][0], parts[1][0] + 100])
        expected = rank(joined, np.concatenate([parts[0][1], parts[1][1]]), 4, WIDTH)
        assert best_rows[turn].tolist() == expected[0].tolist()
        assert best[turn].tolist() == expected[1].tolist()
    assert len(found[0].of(1)[0]) == 5
    assert len(found[0].of(3)[0]) == 12
