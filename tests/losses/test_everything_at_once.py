import pytest
import torch
from torch import Tensor

from mmpipeline.losses.everything_at_once import Subset, disjoint_pairs, everything_at_once_loss
from mmpipeline.losses.info_nce import info_nce_loss
from tests.losses.golden import random_rows

SUBSETS: list[Subset] = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
ALL = torch.ones(5, 3, dtype=torch.bool)


def embed_all() -> dict[Subset, Tensor]:
    return {subset: random_rows(i, 5, 4) for i, subset in enumerate(SUBSETS)}


def test_three_modalities_have_six_pairs() -> None:
    assert disjoint_pairs(3) == [
        ((0,), (1,)),
        ((0,), (2,)),
        ((0,), (1, 2)),
        ((1,), (2,)),
        ((1,), (0, 2)),
        ((2,), (0, 1)),
    ]
    assert disjoint_pairs(1) == []
    assert len(disjoint_pairs(4)) == 25  # (3^4 - 2^5 + 1) / 2


def test_is_the_weighted_mean_of_its_terms() -> None:
    embeddings = embed_all()
    weights = dict.fromkeys(disjoint_pairs(3), 0.1) | {((0,), (1,)): 1.0}
    expected = sum(
        weight * float(info_nce_loss(embeddings[a], embeddings[b], 0.05))
        for (a, b), weight in weights.items()
    ) / sum(weights.values())
    loss = everything_at_once_loss(embeddings, ALL, weights=weights)
    assert float(loss) == pytest.approx(expected)


def test_a_term_runs_over_the_items_that_have_both_subsets() -> None:
    embeddings = {subset: rows.requires_grad_() for subset, rows in embed_all().items()}
    presence = ALL.clone()
    presence[:, 2] = False
    presence[4, 1] = False
    for subset, rows in embeddings.items():
        embeddings[subset] = torch.where(
            presence[:, list(subset)].all(dim=1)[:, None], rows, float("nan")
        )
    loss = everything_at_once_loss(embeddings, presence, 0.2)
    expected = info_nce_loss(embeddings[0,][:4], embeddings[1,][:4], 0.2)
    torch.testing.assert_close(loss, expected)


def test_ignored_items_are_no_negatives() -> None:
    embeddings = embed_all()
    everything = torch.ones(5, 5, dtype=torch.bool)
    assert float(everything_at_once_loss(embeddings, ALL, ignored=everything)) == pytest.approx(0.0)


def test_without_an_item_in_any_pair_the_loss_is_zero() -> None:
    presence = torch.tensor([[True, False, False]] * 5)
    rows = random_rows(0, 5, 4).requires_grad_()
    loss = everything_at_once_loss({(0,): rows}, presence)
    torch.autograd.backward(loss)
    assert loss.item() == 0.0


def test_gradient_is_right() -> None:
    a, b = random_rows(1, 4, 3).requires_grad_(), random_rows(2, 4, 3).requires_grad_()
    presence = torch.ones(4, 2, dtype=torch.bool)
    assert torch.autograd.gradcheck(
        lambda x, y: everything_at_once_loss({(0,): x, (1,): y}, presence, 0.4), (a, b)
    )


def test_a_subset_without_an_embedding_is_an_error() -> None:
    embeddings = embed_all()
    del embeddings[1, 2]
    with pytest.raises(ValueError, match=r"subset \(1, 2\) has no embedding"):
        everything_at_once_loss(embeddings, ALL)
