import numpy as np
import pytest
import torch
from torch import Tensor

from mmpipeline.talk.measure.rules import (
    GaussianRule,
    MeanRule,
    NearestRule,
    rule_used,
)

GENERATOR = torch.Generator().manual_seed(0)
QUERIES = torch.randn(7, 3, generator=GENERATOR, dtype=torch.float64)
REFERENCES = torch.randn(4, 9, 3, generator=GENERATOR, dtype=torch.float64)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def test_mean_rules_against_a_loop() -> None:
    by_cosine, by_euclid = MeanRule("cosine"), MeanRule("euclid")
    for q, query in enumerate(QUERIES):
        for c, references in enumerate(REFERENCES):
            units = torch.stack([row / row.norm() for row in references])
            expected = cosine(query, units.mean(dim=0))
            assert float(by_cosine(QUERIES, REFERENCES)[q, c]) == pytest.approx(expected)
            expected = -float((query - references.mean(dim=0)).square().sum())
            assert float(by_euclid(QUERIES, REFERENCES)[q, c]) == pytest.approx(expected)


def test_golden_squared_distances() -> None:
    support = torch.tensor([[[0.0, 0], [2, 0]], [[0, 4], [0, 6]], [[5, 5], [7, 5]]])
    queries = torch.tensor([[1.0, 1], [2, 2], [0, 4], [1, 3], [6, 6], [3, 3]])
    expected = [[1.0, 17, 41], [5, 13, 25], [17, 1, 37], [9, 5, 29], [61, 37, 1], [13, 13, 13]]
    torch.testing.assert_close(-MeanRule("euclid")(queries, support), torch.tensor(expected))


def test_nearest_rules_against_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmpipeline.talk.measure.rules.BLOCK_VALUES", 80)
    for q, query in enumerate(QUERIES):
        for c, references in enumerate(REFERENCES):
            best = max(cosine(query, row) for row in references)
            assert float(NearestRule()(QUERIES, REFERENCES)[q, c]) == pytest.approx(best)
            best = max(-float((query - row).square().sum()) for row in references)
            found = NearestRule("euclid")(QUERIES, REFERENCES)[q, c]
            assert float(found) == pytest.approx(best)


@pytest.mark.parametrize("shape", ["diagonal", "full"])
@pytest.mark.parametrize("target", ["pooled", "spherical"])
@pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
def test_gaussian_scores_are_log_densities(shape: str, target: str, shrinkage: float) -> None:
    rule = GaussianRule(shape, shrinkage, target)
    found = rule(QUERIES, REFERENCES).numpy()
    references, queries = REFERENCES.numpy(), QUERIES.numpy()
    covariances = [np.cov(rows, rowvar=False) for rows in references]
    if shape == "diagonal":
        covariances = [np.diag(np.diag(matrix)) for matrix in covariances]
    pooled = np.mean(covariances, axis=0)
    for c, (rows, own) in enumerate(zip(references, covariances, strict=True)):
        spherical = np.trace(own) / 3 * np.eye(3)
        shrunk = (1 - shrinkage) * own + shrinkage * (pooled if target == "pooled" else spherical)
        gaps = queries - rows.mean(axis=0)
        distance = np.einsum("qi,ij,qj->q", gaps, np.linalg.inv(shrunk), gaps)
        expected = -(distance + np.linalg.slogdet(shrunk)[1]) / 2
        np.testing.assert_allclose(found[:, c], expected, rtol=1e-4, atol=1e-4)


def test_a_gaussian_sees_what_a_mean_cannot() -> None:
    generator = torch.Generator().manual_seed(1)
    spread = torch.tensor([0.1, 2.0])[:, None, None]
    references = spread * torch.randn(2, 200, 3, generator=generator)
    queries = torch.cat([torch.full((1, 3), 0.05), torch.full((1, 3), 1.5)])
    for shape in ("diagonal", "full"):
        assert GaussianRule(shape)(queries, references).argmax(dim=1).tolist() == [0, 1]


def test_too_few_references_fall_back_to_the_mean_and_say_so() -> None:
    rule = GaussianRule("full")
    few = REFERENCES[:, :4]
    torch.testing.assert_close(rule(QUERIES, few), MeanRule("euclid")(QUERIES, few))
    assert (rule_used(rule, 4), rule_used(rule, 5)) == ("mean_euclid", "gaussian_full")
    assert rule_used(NearestRule(), 1) == "nearest_cosine"


def test_constant_dimensions_give_numbers() -> None:
    references = torch.zeros(2, 6, 3)
    references[1] = 1.0
    for shape in ("diagonal", "full"):
        assert GaussianRule(shape, 0.0)(references[:, 0], references).isfinite().all()
