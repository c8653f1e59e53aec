import pytest
import torch
from torch import Tensor

from mmpipeline.losses.centroid_queue import CentroidQueue
from tests.losses.golden import unit_vectors


def three_bundles(count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    bundle = torch.arange(count) % 3
    angles = torch.tensor([0.0, 120.0, 240.0])[bundle]
    angles = angles + 5 * torch.randn(count, generator=generator)
    return unit_vectors(angles.tolist()).float(), bundle


def filled_queue() -> CentroidQueue:
    queue = CentroidQueue(width=2, size=30, clusters=3, seed=1)
    queue.push(three_bundles(30, seed=0)[0])
    return queue


def test_nothing_is_clustered_before_the_queue_is_full() -> None:
    queue = CentroidQueue(width=2, size=30, clusters=3)
    rows, _ = three_bundles(30, seed=0)
    queue.push(rows[:29])
    assert not queue.is_ready
    with pytest.raises(RuntimeError, match="not full"):
        queue.assign(rows)
    queue.push(rows[29:])
    assert queue.is_ready


def test_finds_the_bundles_and_their_means() -> None:
    queue = filled_queue()
    rows, bundle = three_bundles(60, seed=5)
    clusters = queue.assign(3 * rows)
    names = [clusters[bundle == b].unique().tolist() for b in range(3)]
    assert sorted(name for (name,) in names) == [
        0,
        1,
        2,
    ]  # one cluster a bundle, and different ones
    members, _ = three_bundles(30, seed=0)
    for b, (name,) in enumerate(names):
        mean = members[torch.arange(30) % 3 == b].mean(dim=0)
        torch.testing.assert_close(queue.centroids[name], mean / mean.norm())


def test_refits_once_a_queue_length_and_keeps_the_numbers() -> None:
    queue = filled_queue()
    before = queue.centroids.clone()
    turned = three_bundles(30, seed=2)[0] @ unit_vectors([20.0, 110.0]).float()
    queue.push(turned[:29])
    assert torch.equal(queue.centroids, before)
    queue.push(turned[29:])
    assert not torch.equal(queue.centroids, before)
    cosines = before @ queue.centroids.T
    assert torch.equal(cosines.argmax(dim=1), torch.arange(3))


def test_is_first_in_first_out() -> None:
    queue = CentroidQueue(width=2, size=4, clusters=1)
    rows = unit_vectors([float(angle) for angle in range(0, 60, 10)]).float()
    queue.push(rows[:3])
    queue.push(rows[3:])
    assert {tuple(row.tolist()) for row in queue.rows} == {tuple(r.tolist()) for r in rows[2:]}
    queue.push(rows)  # longer than the queue: its last rows stay
    assert {tuple(row.tolist()) for row in queue.rows} == {tuple(r.tolist()) for r in rows[2:]}


def test_an_empty_cluster_keeps_its_centroid() -> None:
    queue = CentroidQueue(width=2, size=6, clusters=3)
    queue.push(unit_vectors([0.0] * 6).float())
    assert bool(queue.centroids.isfinite().all())
    torch.testing.assert_close(queue.centroids.norm(dim=1), torch.ones(3))


def test_its_state_resumes_exactly() -> None:
    queue, other = filled_queue(), CentroidQueue(width=2, size=30, clusters=3, seed=1)
    other.load_state_dict(queue.state_dict())
    rows, _ = three_bundles(45, seed=9)
    for each in (queue, other):
        each.push(rows)
    assert torch.equal(queue.centroids, other.centroids)


def test_vectors_keep_their_gradient_to_themselves() -> None:
    rows = three_bundles(30, seed=0)[0].requires_grad_()
    queue = CentroidQueue(width=2, size=30, clusters=3)
    queue.push(rows)
    assert not queue.centroids.requires_grad


@pytest.mark.parametrize("clusters", [0, 5])
def test_more_clusters_than_rows_are_an_error(clusters: int) -> None:
    with pytest.raises(ValueError, match="expected 1 <= K"):
        CentroidQueue(width=2, size=4, clusters=clusters)
