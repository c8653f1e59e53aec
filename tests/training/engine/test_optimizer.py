import torch

from mmpipeline.config import FitConfig
from mmpipeline.training.engine.optimizer import load_optimizer, make_optimizer, optimizer_tensors
from tests.training.tiny_training import TinyNet, is_same, make_net, weights

CONFIG = FitConfig(learning_rate=0.1, weight_decay=0.5)


def step(net: TinyNet, optimizer: torch.optim.AdamW, number: int) -> None:
    rows = torch.randn(8, 6, generator=torch.Generator().manual_seed(number))
    optimizer.zero_grad()
    (net(rows).square().mean() * net.temperature()).backward()
    optimizer.step()


def test_moments_by_name_go_into_another_optimiser() -> None:
    net = make_net(dropout=0)
    optimizer = make_optimizer(net, CONFIG)
    for number in range(3):
        step(net, optimizer, number)
    tensors = {name: t.clone() for name, t in optimizer_tensors(optimizer, net).items()}
    assert {"optimizer.exp_avg.layers.0.weight", "optimizer.step.temperature.log_scale"} <= set(
        tensors
    )
    other = make_net(dropout=0)
    other.load_state_dict(weights(net))
    second = make_optimizer(other, CONFIG)
    load_optimizer(second, other, {**tensors, "module.x": torch.zeros(1)})
    for number in range(3, 6):
        step(net, optimizer, number)
        step(other, second, number)
    assert is_same(weights(net), weights(other))


def test_single_numbers_do_not_decay_and_what_is_frozen_stays() -> None:
    net = make_net(dropout=0)
    net.layers[4].weight.requires_grad_(False)
    before = weights(net)
    optimizer = make_optimizer(net, CONFIG)
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
    optimizer.step()
    after = weights(net)
    assert torch.equal(after["temperature.log_scale"], before["temperature.log_scale"])
    assert torch.equal(after["layers.4.weight"], before["layers.4.weight"])
    torch.testing.assert_close(after["layers.0.weight"], before["layers.0.weight"] * 0.95)
