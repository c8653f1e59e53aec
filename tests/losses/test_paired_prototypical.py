import pytest
import torch

from mmpipeline.losses import leave_one_out_prototypical_loss
from mmpipeline.losses.paired_prototypical import paired_prototypical_loss

GENERATOR = torch.Generator().manual_seed(0)
QUERIES = torch.randn(9, 4, generator=GENERATOR, dtype=torch.float64)
REFERENCES = torch.randn(9, 4, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.tensor([5, 5, 5, 2, 2, 7, 7, 7, 9])  # 9 has one item: no query


def test_against_a_naive_loop() -> None:
    total = 0.0
    for i in range(8):
        logits = []
        for label in (2, 5, 7, 9):
            rows = [j for j in range(9) if LABELS[j] == label and j != i]
            mean = torch.stack([REFERENCES[j] for j in rows]).mean(dim=0)
            logits.append(-(QUERIES[i] - mean).square().sum() / 0.5)
        own = (2, 5, 7, 9).index(int(LABELS[i]))
        total += float(torch.stack(logits).logsumexp(dim=0) - logits[own])
    loss = paired_prototypical_loss(QUERIES, REFERENCES, LABELS, 0.5)
    assert float(loss) == pytest.approx(total / 8)


def test_the_same_vectors_twice_give_the_leave_one_out_loss() -> None:
    expected = leave_one_out_prototypical_loss(QUERIES, LABELS, 0.3)
    torch.testing.assert_close(paired_prototypical_loss(QUERIES, QUERIES, LABELS, 0.3), expected)


def test_golden_leave_one_out_value() -> None:
    support = torch.tensor([[0.0, 0], [2, 0], [0, 4], [0, 6], [5, 5], [7, 5]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    loss = paired_prototypical_loss(support, support, labels, 10.0)
    assert float(loss) == pytest.approx(0.118731, abs=1e-6)


def test_gradients() -> None:
    queries = QUERIES.clone().requires_grad_()
    references = REFERENCES.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda q, r: paired_prototypical_loss(q, r, LABELS, 0.5), (queries, references)
    )


def test_nothing_to_ask_gives_zero_and_bad_shapes_are_refused() -> None:
    queries = QUERIES[:2].clone().requires_grad_()
    loss = paired_prototypical_loss(queries, REFERENCES[:2], torch.tensor([0, 1]))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert queries.grad is not None
    assert not queries.grad.any()
    with pytest.raises(ValueError, match="expected"):
        paired_prototypical_loss(QUERIES, REFERENCES[:3], LABELS)
    with pytest.raises(ValueError, match="integers"):
        paired_prototypical_loss(QUERIES, REFERENCES, LABELS.double())
