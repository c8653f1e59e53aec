import numpy as np
import pytest
import torch

from mmpipeline.errors import StageError
from mmpipeline.training.engine.batch_source import (
    GeneratedSource,
    TensorBatch,
    TensorSource,
    name_some,
)


def source(seed: int = 1, scale: float = 1.0) -> TensorSource:
    rows = torch.arange(20.0).reshape(10, 2) * scale
    return TensorSource({"x": rows, "y": torch.arange(10)}, 4, seed, [f"r{i}" for i in range(10)])


def test_an_epoch_takes_rows_once_in_another_order_each_time() -> None:
    data = source()
    assert len(data) == 2
    epochs = [[data.take() for _ in range(2)] for _ in range(3)]
    orders = []
    for epoch in epochs:
        rows = torch.cat([batch.rows for batch in epoch]).tolist()
        assert len(set(rows)) == 8
        orders.append(rows)
        for batch in epoch:
            assert torch.equal(batch.tensors["y"], batch.rows)
            assert torch.equal(batch.tensors["x"][:, 0], batch.rows * 2.0)
    assert len({tuple(order) for order in orders}) == 3


@pytest.mark.parametrize("stop", range(5))
def test_goes_on_where_another_stood(stop: int) -> None:
    first, second = source(), source()
    for _ in range(stop):
        first.take()
    second.load_state_dict(first.state_dict())
    for _ in range(4):
        assert torch.equal(first.take().rows, second.take().rows)


def test_the_digest_tells_values_seed_and_size_apart() -> None:
    assert source().digest == source().digest
    other_size = TensorSource(source()._tensors, 5, 1)
    digests = {source().digest, source(2).digest, source(1, 1.5).digest, other_size.digest}
    assert len(digests) == 4


def test_what_makes_no_batch_is_refused() -> None:
    with pytest.raises(StageError, match="3 rows make no batch of 4"):
        TensorSource({"x": torch.zeros(3, 1)}, 4, 0)
    with pytest.raises(StageError, match=r"one length are needed; found \{'x': 3, 'y': 2\}"):
        TensorSource({"x": torch.zeros(3), "y": torch.zeros(2)}, 1, 0)


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_parts_in_order_are_the_batch(parts: int) -> None:
    batch = source().take()
    cut = batch.split(parts)
    assert len(cut) == parts
    assert torch.equal(torch.cat([part.rows for part in cut]), batch.rows)
    assert torch.equal(torch.cat([part.tensors["x"] for part in cut]), batch.tensors["x"])
    assert max(len(part.rows) for part in cut) - min(len(part.rows) for part in cut) <= 1


def test_batches_are_described_by_names_or_numbers() -> None:
    batch = TensorBatch(torch.tensor([3, 1]), {})
    assert source().describe(batch) == "2 rows (r3, r1)"
    assert TensorSource({"x": torch.zeros(9)}, 1, 0).describe(batch) == "2 rows (3, 1)"
    assert name_some("recipes", list("abcdefg")) == "7 recipes (a, b, c, d, e, ...)"


def test_generated_batches_follow_from_their_number() -> None:
    def make(seed: int) -> GeneratedSource[list[float]]:
        return GeneratedSource(lambda generator: generator.normal(size=3).tolist(), seed, "normal")

    one = make(4)
    taken = [one.take() for _ in range(5)]
    assert len({tuple(batch) for batch in taken}) == 5
    assert one.describe(taken[-1]) == "generated batch 5"
    again = make(4)
    again.load_state_dict({"taken": 3})
    assert [again.take(), again.take()] == taken[3:]
    assert make(4).digest != make(5).digest
    assert taken[0] == np.random.default_rng([4, 0]).normal(size=3).tolist()
