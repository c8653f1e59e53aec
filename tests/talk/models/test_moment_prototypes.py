import pytest
import torch

from mmpipeline.talk.models.moment_prototypes import FIXED_CURVES, MomentPrototypes
from mmpipeline.talk.models.reference_statistics import reference_statistics
from tests.rounding import network_bound

DIMS = (3, 2)


def make(*, dims_apart: bool = False) -> MomentPrototypes:
    torch.manual_seed(0)
    return MomentPrototypes(DIMS, curves=5, hidden_dim=16, dims_apart=dims_apart)


def draw(rows: int) -> list[torch.Tensor]:
    return [torch.randn(rows, dim) for dim in DIMS]


def test_score_is_a_sum_over_dimensions_of_curves_times_weights() -> None:
    model = make()
    inputs, references = draw(4), [torch.randn(3, 6, dim) for dim in DIMS]
    mask = torch.ones(4, 2, dtype=torch.bool)
    scores = model(inputs, mask, references)
    assert scores.shape == (4, 3)
    for item in range(4):
        for label in range(3):
            total = 0.0
            for modality, dim in enumerate(DIMS):
                statistics = reference_statistics(references[modality])
                for d in range(dim):
                    value = inputs[modality][item, d]
                    learned = model.item_net(value.view(1, 1, 1)).flatten()
                    curves = torch.cat([learned, torch.stack([value, value**2, value * 0 + 1])])
                    weights = model.class_net(statistics[label : label + 1, d : d + 1]).flatten()
                    total += float(curves.detach() @ weights.detach())
            assert float(scores[item, label].detach()) == pytest.approx(total, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("dims_apart", [False, True])
def test_one_vector_an_item_and_zeros_for_what_is_not_shown(dims_apart: bool) -> None:
    model = make(dims_apart=dims_apart)
    inputs = draw(4)
    mask = torch.tensor([[True, False]] * 3 + [[True, True]])
    inputs[1][:3] = float("nan")
    vectors = model.item_vectors(inputs, mask)
    assert vectors.shape == (4, 5 * (5 + FIXED_CURVES))
    assert (vectors[:3, 3 * (5 + FIXED_CURVES) :] == 0).all()
    vectors.sum().backward()
    assert all(p.grad.isfinite().all() for p in model.item_net.parameters() if p.grad is not None)


def test_scores_of_modalities_add_up() -> None:
    model = make()
    inputs, references = draw(4), [torch.randn(3, 6, dim) for dim in DIMS]
    alone = [
        model(inputs, torch.tensor([[number == 0, number == 1]]).expand(4, 2), references)
        for number in range(2)
    ]
    both = model(inputs, torch.ones(4, 2, dtype=torch.bool), references)
    torch.testing.assert_close(both, alone[0] + alone[1])


def test_dimensions_are_alike_unless_told_apart() -> None:
    inputs = [torch.full((1, 3), 0.7), torch.full((1, 2), 0.7)]
    mask = torch.ones(1, 2, dtype=torch.bool)
    model = make()
    curves = model.item_vectors(inputs, mask).view(5, -1)
    # rows of one product: a kernel may add the terms of each in another order
    bound = network_bound(model.item_net, torch.full((1, 1), 0.7))
    assert bound.max() < 1e-5
    assert ((curves[:, :5] - curves[:1, :5]).abs() <= bound).all()
    assert torch.equal(curves[:, 5:], curves[:1, 5:].expand(5, -1))
    curves = make(dims_apart=True).item_vectors(inputs, mask).view(5, -1)
    assert ((curves[0, :5] - curves[1, :5]).abs() > 1000 * bound).any()
