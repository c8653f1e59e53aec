import math

import pytest
import torch

from mmpipeline.losses.mms import mms_loss
from mmpipeline.losses.multimodal_clustering import (
    centroid_loss,
    mean_embedding,
    multimodal_clustering_loss,
    pairwise_contrast_loss,
    reconstruction_loss,
)
from tests.losses.golden import assert_finite_gradient, random_rows

PARTS = random_rows(1, 4, 3, 2)
ALL = torch.ones(4, 3, dtype=torch.bool)
SOME = torch.tensor([[1, 1, 0], [1, 0, 1], [1, 1, 1], [1, 1, 1]], dtype=torch.bool)
SOILED = torch.where(SOME[..., None], PARTS, float("nan"))
CENTROIDS, CLUSTERS = random_rows(2, 5, 2), torch.tensor([0, 4, 4, 2])


def test_contrast_is_the_sum_over_pairs() -> None:
    expected = sum(float(mms_loss(PARTS[:, a], PARTS[:, b])) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert float(pairwise_contrast_loss(PARTS, ALL)) == pytest.approx(expected)


def test_a_pair_runs_over_the_items_that_have_both() -> None:
    rows = {(0, 1): [0, 2, 3], (0, 2): [1, 2, 3], (1, 2): [2, 3]}
    expected = sum(float(mms_loss(PARTS[r, a], PARTS[r, b])) for (a, b), r in rows.items())
    value = assert_finite_gradient(lambda p: pairwise_contrast_loss(p, SOME), SOILED)
    assert value == pytest.approx(expected)


def test_mean_of_what_is_present() -> None:
    means = mean_embedding(SOILED.clone().requires_grad_(), SOME)
    torch.testing.assert_close(means[0], (PARTS[0, 0] + PARTS[0, 1]) / 2)
    torch.testing.assert_close(means[2], PARTS[2].mean(dim=0))
    assert not means.requires_grad


def test_centroid_loss_equals_the_naive_loop() -> None:
    terms = []
    for m in range(3):
        losses = []
        for i in range(4):
            if not SOME[i, m]:
                continue
            scores = (CENTROIDS @ PARTS[i, m]).tolist()
            scores[int(CLUSTERS[i])] -= 0.1
            total = sum(map(math.exp, scores))
            losses.append(-math.log(math.exp(scores[int(CLUSTERS[i])]) / total))
        terms.append(sum(losses) / len(losses))
    value = assert_finite_gradient(
        lambda p: centroid_loss(p, SOME, CENTROIDS, CLUSTERS, margin=0.1), SOILED
    )
    assert value == pytest.approx(sum(terms) / 3)


def test_centroids_get_no_gradient() -> None:
    centroids = CENTROIDS.clone().requires_grad_()
    parts = PARTS.clone().requires_grad_()
    torch.autograd.backward(centroid_loss(parts, ALL, centroids, CLUSTERS))
    assert centroids.grad is None


def test_one_centroid_costs_nothing() -> None:
    loss = centroid_loss(PARTS, ALL, CENTROIDS[:1], torch.zeros(4, dtype=torch.long))
    assert float(loss) == pytest.approx(0.0)


def test_reconstruction_is_the_sum_of_mean_squares_over_present_rows() -> None:
    presence = SOME[:, :2]
    inputs = [random_rows(3, 4, 5), random_rows(4, 4, 2)]
    rebuilt = [random_rows(5, 4, 5), random_rows(6, 4, 2)]
    soiled = [torch.where(presence[:, m, None], inputs[m], float("nan")) for m in range(2)]
    has_second = [0, 2, 3]
    expected = float((rebuilt[0] - inputs[0]).square().mean()) + float(
        (rebuilt[1][has_second] - inputs[1][has_second]).square().mean()
    )
    assert float(reconstruction_loss(rebuilt, soiled, presence)) == pytest.approx(expected)


def test_gradients_are_right() -> None:
    parts, rebuilt = PARTS.clone().requires_grad_(), random_rows(5, 4, 5).requires_grad_()
    presence, inputs = ALL[:, :1], random_rows(3, 4, 5)
    assert torch.autograd.gradcheck(
        lambda p: multimodal_clustering_loss(p, ALL, (CENTROIDS, CLUSTERS)), parts
    )
    assert torch.autograd.gradcheck(lambda r: reconstruction_loss([r], [inputs], presence), rebuilt)


def test_the_whole_is_the_weighted_sum() -> None:
    inputs = [random_rows(seed, 4, 2) for seed in (3, 4, 5)]
    rebuilt = [rows + 0.5 for rows in inputs]
    loss = multimodal_clustering_loss(PARTS, ALL, (CENTROIDS, CLUSTERS), (rebuilt, inputs))
    expected = (
        float(pairwise_contrast_loss(PARTS, ALL))
        + float(centroid_loss(PARTS, ALL, CENTROIDS, CLUSTERS))
        + 50 * 3 * 0.25
    )
    assert float(loss) == pytest.approx(expected)
    assert float(multimodal_clustering_loss(PARTS, ALL, None)) == pytest.approx(
        float(pairwise_contrast_loss(PARTS, ALL))
    )


def test_items_in_another_order_and_items_without_anything() -> None:
    order = torch.tensor([3, 0, 2, 1])
    torch.testing.assert_close(
        multimodal_clustering_loss(PARTS[order], SOME[order], (CENTROIDS, CLUSTERS[order])),
        multimodal_clustering_loss(PARTS, SOME, (CENTROIDS, CLUSTERS)),
    )
    nothing = torch.zeros_like(ALL)
    assert float(multimodal_clustering_loss(PARTS, nothing, (CENTROIDS, CLUSTERS))) == 0.0


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected bool of the"):
        pairwise_contrast_loss(PARTS, ALL[:, :2])
    with pytest.raises(ValueError, match="one a modality"):
        reconstruction_loss([PARTS[:, 0]], [PARTS[:, 0]], ALL)
