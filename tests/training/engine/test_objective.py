import pytest
import torch

from tests.training.tiny_training import CONTRAST, make_net, make_source


def test_two_halves_are_one_function_too() -> None:
    net, batch = make_net(dropout=0), make_source().take()
    loss, metrics = CONTRAST(net, batch)
    expected, _ = CONTRAST.compare(net, net(batch.tensors["rows"]), batch)
    assert torch.equal(loss, expected)
    assert float(torch.as_tensor(metrics["temperature"]).detach()) == pytest.approx(0.2)
