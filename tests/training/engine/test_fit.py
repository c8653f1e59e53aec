import math
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmpipeline.errors import CheckpointError, StageError
from mmpipeline.training import Checkpoints, GeneratedSource, Hooks, TensorBatch
from mmpipeline.training.engine.fit import fit
from mmpipeline.training.engine.objective import Metrics
from tests.training.tiny_training import (
    CONFIG,
    CONTRAST,
    WIDTH,
    is_same,
    make_net,
    make_source,
    score,
    square_error,
    weights,
)


class StopError(Exception):
    """Stands for what ends a process between two steps."""


class Journal:
    def __init__(self) -> None:
        self.rounds: list[tuple[int, dict[str, float]]] = []

    def log_params(self, params: Mapping[str, object]) -> None:
        raise AssertionError(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self.rounds.append((step, dict(metrics)))


def failing_after(calls: int) -> CONTRAST.__class__:
    left = [calls]

    def compare(net: nn.Module, vectors: Tensor, batch: TensorBatch) -> tuple[Tensor, Metrics]:
        left[0] -= 1
        if left[0] < 0:
            raise StopError
        return CONTRAST.compare(net, vectors, batch)

    return type(CONTRAST)(CONTRAST.encode, compare, CONTRAST.split)


def test_learns_reports_each_round_and_keeps_the_best_weights() -> None:
    net, journal, seen = make_net(), Journal(), []

    def selector(module: nn.Module) -> Mapping[str, float]:
        assert not module.training
        seen.append(weights(module))
        return {"val_score": [0.1, 0.7, 0.2, 0.7, 0.3][len(seen) - 1], "other": 1.0}

    result = fit(net, make_source(), CONTRAST, CONFIG, Hooks(journal, selector=selector))
    assert [step for step, _ in journal.rounds] == [1, 2, 3, 4, 5]
    first, last = journal.rounds[0][1], journal.rounds[-1][1]
    assert last["train_loss"] < first["train_loss"]
    names = {"train_loss", "train_temperature", "train_gradient_norm", "learning_rate", "val_score"}
    assert set(first) == names | {"other"}
    assert (result.best_round, result.best_score, result.steps) == (2, 0.7, 20)
    assert is_same(weights(net), seen[1])
    assert result.history == [{"round": float(n), **metrics} for n, metrics in journal.rounds]


def test_stops_when_patience_is_over_and_without_scores_goes_to_the_end() -> None:
    config = CONFIG.model_copy(update={"patience": 2})
    scores = iter([0.3, 0.9, 0.8, 0.7, 1.0])
    hooks = Hooks(selector=lambda _: {"val_score": next(scores)})
    result = fit(make_net(), make_source(), CONTRAST, config, hooks)
    assert (len(result.history), result.best_round) == (4, 2)
    unscored = fit(make_net(), make_source(), CONTRAST, config)
    assert (len(unscored.history), unscored.best_round, unscored.best_score) == (5, 5, None)


@pytest.mark.parametrize("stop", [1, 3, 4, 9, 19])
def test_a_stopped_training_ends_with_the_same_bits(tmp_path: Path, stop: int) -> None:
    whole = make_net()
    expected = fit(whole, make_source(), CONTRAST, CONFIG, Hooks(selector=score))
    hooks = Hooks(checkpoints=Checkpoints(tmp_path, every_s=0), selector=score)
    with pytest.raises(StopError):
        fit(make_net(), make_source(), failing_after(stop), CONFIG, hooks)
    torch.manual_seed(stop)  # what happens in the process between must not matter
    net = make_net()
    result = fit(net, make_source(), CONTRAST, CONFIG, hooks)
    assert result.resumed_at == stop
    assert is_same(weights(net), weights(whole))
    assert (result.history, result.best_score) == (expected.history, expected.best_score)


def test_a_training_that_was_done_is_not_done_again(tmp_path: Path) -> None:
    hooks = Hooks(checkpoints=Checkpoints(tmp_path, every_s=0), selector=score)
    first = make_net()
    fit(first, make_source(), CONTRAST, CONFIG, hooks)
    again = make_net()
    result = fit(again, make_source(), failing_after(0), CONFIG, hooks)
    assert result.resumed_at == result.steps == 20
    assert is_same(weights(again), weights(first))


def test_other_data_or_another_config_are_refused(tmp_path: Path) -> None:
    hooks = Hooks(checkpoints=Checkpoints(tmp_path, every_s=0))
    fit(make_net(), make_source(), CONTRAST, CONFIG, hooks)
    with pytest.raises(CheckpointError, match="made with another data;"):
        fit(make_net(), make_source(8), CONTRAST, CONFIG, hooks)
    longer = CONFIG.model_copy(update={"rounds": 6})
    with pytest.raises(CheckpointError, match="made with another config;"):
        fit(make_net(), make_source(), CONTRAST, longer, hooks)
    other = Hooks(checkpoints=hooks.checkpoints, identity={"objective": "x"})
    with pytest.raises(CheckpointError, match="made with another objective;"):
        fit(make_net(), make_source(), CONTRAST, CONFIG, other)


@pytest.mark.parametrize("broken", ["loss", "gradient norm"])
def test_a_number_that_is_none_stops_with_step_and_batch_and_the_last_good_state(
    tmp_path: Path, broken: str
) -> None:
    calls = [0]

    def objective(net: nn.Module, batch: TensorBatch) -> tuple[Tensor, Metrics]:
        calls[0] += 1
        loss, metrics = square_error(net, batch)
        if calls[0] < 7:
            return loss, metrics
        if broken == "loss":
            return loss * math.inf, metrics
        zero = sum(p.sum() for p in net.layers.parameters()) * 0  # type: ignore[union-attr]
        return loss + torch.sqrt(zero), metrics  # of infinite slope

    hooks = Hooks(checkpoints=Checkpoints(tmp_path, every_s=1000))
    net = make_net(dropout=0)
    with pytest.raises(StageError, match=rf"the {broken} is \w+ at step 7, batch of 24 rows \(\d+"):
        fit(net, make_source(), objective, CONFIG, hooks)
    good = make_net(dropout=0)
    with pytest.raises(StopError):
        fit(good, make_source(), _stopping(square_error, 6), CONFIG)
    assert is_same(weights(net), weights(good))
    resumed, whole = make_net(dropout=0), make_net(dropout=0)
    assert fit(resumed, make_source(), square_error, CONFIG, hooks).resumed_at == 6
    fit(whole, make_source(), square_error, CONFIG)
    assert is_same(weights(resumed), weights(whole))


def _stopping(objective, calls: int):  # noqa: ANN001, ANN202
    left = [calls]

    def stopping(net: nn.Module, batch: TensorBatch) -> tuple[Tensor, Metrics]:
        left[0] -= 1
        if left[0] < 0:
            raise StopError
        return objective(net, batch)

    return stopping


def test_batches_made_on_the_fly_resume_too(tmp_path: Path) -> None:
    def source() -> GeneratedSource[Tensor]:
        return GeneratedSource(
            lambda draw: torch.from_numpy(draw.normal(size=(8, WIDTH))).float(), 3, "normal"
        )

    def objective(net: nn.Module, batch: Tensor) -> tuple[Tensor, Metrics]:
        return net(batch).square().mean(), {}

    whole, net = make_net(), make_net()
    fit(whole, source(), objective, CONFIG)
    hooks = Hooks(checkpoints=Checkpoints(tmp_path, every_s=0))
    with pytest.raises(StopError):
        fit(make_net(), source(), _stopping(objective, 6), CONFIG, hooks)
    fit(net, source(), objective, CONFIG, hooks)
    assert is_same(weights(net), weights(whole))
