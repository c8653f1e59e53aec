import pytest
import torch

from mmpipeline.config import FitConfig
from mmpipeline.errors import ConfigError
from mmpipeline.training.engine.gradients import GradientStep, seed_forward
from mmpipeline.training.engine.objective import Objective
from mmpipeline.training.engine.process_group import Processes
from tests.training.tiny_training import (
    CONFIG,
    CONTRAST,
    TinyNet,
    make_net,
    make_source,
    square_error,
)


def gradients(
    net: TinyNet, objective: Objective, batches: int = 1, **settings: object
) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    config = FitConfig.model_validate(
        CONFIG.model_dump() | settings | {"batches_per_step": batches}
    )
    source = make_source()
    step = GradientStep(net.double(), objective, config, Processes())
    taken = [source.take() for _ in range(batches)]
    for batch in taken:
        batch.tensors["rows"] = batch.tensors["rows"].double()
    figures = step.compute(taken, step=1)
    found = {n: p.grad for n, p in net.named_parameters() if p.grad is not None}
    return found, figures


@pytest.mark.parametrize("chunks", [2, 3, 24])
def test_a_batch_in_pieces_has_the_gradient_of_the_whole(chunks: int) -> None:
    whole, figures = gradients(make_net(dropout=0), CONTRAST)
    pieces, same = gradients(make_net(dropout=0), CONTRAST, chunks_per_batch=chunks)
    assert whole.keys() == pieces.keys()
    assert "temperature.log_scale" in whole  # learned by the comparison, not by the encoder
    for name, gradient in whole.items():
        torch.testing.assert_close(pieces[name], gradient, rtol=1e-9, atol=1e-12)
    assert same == pytest.approx(figures)


def test_pieces_draw_the_same_dropout_in_both_passes() -> None:
    """Else the gradient would be of other vectors than were compared; finite differences tell."""
    config = CONFIG.model_copy(update={"chunks_per_batch": 3})
    net = make_net(dropout=0.4).double()
    batch = make_source().take()
    batch.tensors["rows"] = batch.tensors["rows"].double()
    step = GradientStep(net, CONTRAST, config, Processes())

    def loss() -> float:
        net.zero_grad()
        return step.compute([batch], step=1)["loss"]

    at = loss()
    weight = net.layers[0].weight
    slope = float(weight.grad[0, 0])
    with torch.no_grad():
        weight[0, 0] += 1e-6
    assert (loss() - at) / 1e-6 == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("objective", [CONTRAST, square_error])
def test_several_batches_go_down_their_mean_loss(objective: Objective) -> None:
    net = make_net(dropout=0)
    together, figures = gradients(net, objective, batches=3)
    source = make_source()
    total, losses = {}, []
    for _ in range(3):
        one = make_net(dropout=0).double()
        batch = source.take()
        batch.tensors["rows"] = batch.tensors["rows"].double()
        loss, _ = objective(one, batch)
        loss.backward()
        losses.append(float(loss.detach()))
        for name, parameter in one.named_parameters():
            if parameter.grad is not None:
                total[name] = total.get(name, 0) + parameter.grad / 3
    assert figures["loss"] == pytest.approx(sum(losses) / 3)
    for name, gradient in total.items():
        torch.testing.assert_close(together[name], gradient, rtol=1e-9, atol=1e-12)


def test_means_over_rows_of_small_batches_equal_one_large_batch() -> None:
    small, _ = gradients(make_net(dropout=0), square_error, batches=4)
    net = make_net(dropout=0).double()
    source = make_source()
    taken = [source.take() for _ in range(4)]
    rows = torch.cat([batch.tensors["rows"] for batch in taken]).double()
    labels = torch.cat([batch.tensors["label"] for batch in taken])
    large = type(taken[0])(torch.arange(96), {"rows": rows, "label": labels})
    loss, _ = square_error(net, large)
    loss.backward()
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(small[name], parameter.grad, rtol=1e-9, atol=1e-12)


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ConfigError, match="use batches_per_step"):
        GradientStep(make_net(), square_error, FitConfig(chunks_per_batch=2), Processes())
    with pytest.raises(ConfigError, match="3 batches a step cannot be dealt to 2 processes"):
        GradientStep(make_net(), square_error, FitConfig(batches_per_step=3), Processes(0, 2))


def test_what_a_forward_pass_draws_follows_from_its_place() -> None:
    with torch.random.fork_rng():
        drawn = []
        for place in [(1, 2, 3), (1, 2, 3), (1, 2, 4), (1, 3, 3), (2, 2, 3)]:
            seed_forward(*place)
            drawn.append(float(torch.rand(1)))
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4


def test_half_precision_leaves_the_loss_curve_as_it_is() -> None:
    """The comparison stays in float32: what is rounded is the encoding."""
    from mmpipeline.training.engine.fit import fit

    curves = []
    for precision in ("float32", "bfloat16"):
        config = CONFIG.model_copy(update={"precision": precision, "rounds": 8})
        result = fit(make_net(dropout=0), make_source(), CONTRAST, config)
        curves.append(torch.tensor([entry["train_loss"] for entry in result.history]))
    exact, rounded = curves
    assert not torch.equal(exact, rounded)
    assert float((exact - rounded).abs().max()) < 0.02 * float(exact[0] - exact[-1])
