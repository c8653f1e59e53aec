from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmpipeline.evaluation.metrics import baselines
from mmpipeline.evaluation.metrics.baselines import RawFeatures, chance_figures, chance_hit_curve
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.schemas import MODALITIES


def test_chance_of_one_relevant_item_in_n() -> None:
    figures = chance_figures(np.array([10, 10]), np.array([1, 1]), (1, 5, 10))
    assert figures["recall_at_1"] == pytest.approx(0.1)
    assert figures["recall_at_5"] == pytest.approx(0.5)
    assert figures["recall_at_10"] == pytest.approx(1.0)
    assert figures["median_rank"] == 5.0
    assert figures["mrr"] == pytest.approx(sum(1 / k for k in range(1, 11)) / 10)


def test_chance_agrees_with_random_orders() -> None:
    candidates, relevant = np.array([12, 7, 20]), np.array([3, 1, 5])
    generator = np.random.default_rng(0)
    ranks = np.array([
        [1 + int(generator.permutation(n)[:r].min()) for _ in range(20_000)]
        for n, r in zip(candidates, relevant, strict=True)
    ])
    curve = chance_hit_curve(candidates, relevant)
    for k in (1, 2, 5, 10):
        assert curve[k] == pytest.approx((ranks <= k).mean(), abs=0.01)
    figures = chance_figures(candidates, relevant, (1,))
    assert figures["mrr"] == pytest.approx((1 / ranks).mean(), abs=0.01)
    assert figures["median_rank"] == np.median(ranks)


def test_more_k_than_candidates_is_certain() -> None:
    assert chance_figures(np.array([3]), np.array([1]), (10,))["recall_at_10"] == 1.0


def test_raw_similarity_sums_the_cosines_of_shared_parts(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "ITEM_BLOCK_ROWS", 7)  # of the mean
    features = FeatureSet.open(world.features)
    rows = np.arange(20)
    shown = features.presence[rows].copy()
    shown[:, 2:] = False
    everything = features.presence[rows]
    compare = RawFeatures(features, rows).similarity((rows, shown), (rows, everything))
    found = torch.cat([compare(slice(0, 7)), compare(slice(7, 20))], dim=1)
    for q, i in ((1, 2), (3, 3), (4, 7)):
        expected = 0.0
        for j, modality in enumerate(MODALITIES):
            matrix = features.matrix(modality)[rows].astype(float)
            a, b = matrix[[q, i]] - matrix[everything[:, j]].mean(axis=0)
            if shown[q, j] and everything[i, j]:
                expected += a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert float(found[q, i]) == pytest.approx(expected, abs=1e-3)


def test_a_part_that_is_not_shown_changes_nothing(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    rows = np.arange(len(features))
    title = features.presence & np.array([False, True, False, False])
    vectors = RawFeatures(features, rows).vectors(rows, title)
    present = features.presence[:, 1]
    torch.testing.assert_close(vectors.norm(dim=1), torch.from_numpy(present.astype(np.float32)))
