from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mmpipeline.config import SyntheticConfig, TalkModelConfig
from mmpipeline.evaluation.prototype_rules import MeanRule
from mmpipeline.evaluation.prototypes import rank_classes
from mmpipeline.evaluation.synthetic_bench import EmbeddingMethod, SyntheticBench
from mmpipeline.evaluation.synthetic_models import embed_by
from mmpipeline.models import load_model
from mmpipeline.synthetic import generate
from mmpipeline.training import talk_models
from mmpipeline.training.checkpoints import Checkpoints
from mmpipeline.training.metric_logger import NullLogger
from mmpipeline.training.talk_models import draw_batch, make_talk_model, train_talk_model

DATA = SyntheticConfig(
    classes=8, known_classes=5, scopes=(5, 8), pool_per_class=60, test_per_class=20
)
SMALL = {"hidden_dim": 32, "embedding_dim": 8, "rows_per_class": 6}


@pytest.fixture(scope="module")
def bench() -> SyntheticBench:
    return SyntheticBench(generate(DATA))


@pytest.mark.parametrize("loss", ["cosine", "euclid"])
def test_learns_the_known_classes_for_every_subset(
    loss: str, bench: SyntheticBench, tmp_path: Path
) -> None:
    config = TalkModelConfig.model_validate({"loss": loss, "steps": 200, **SMALL})
    counts = train_talk_model(bench, tmp_path, config, NullLogger())
    assert counts["steps"] == 200
    rule = MeanRule("cosine" if loss == "cosine" else "euclid")
    method = EmbeddingMethod(loss, bench, embed_by(load_model(tmp_path)), [rule])
    rows, _ = bench.draw(40, seed=0)
    label = bench.query_label[:100]
    for subset, least in (((0, 1, 2), 0.85), ((1,), 0.6)):
        (_, scores), *_ = method.scores(rows, subset, subset)
        assert (rank_classes(scores[:100, :5], label) <= 1).mean() > least


def test_the_slides_layers() -> None:
    model = make_talk_model([6, 9, 4], TalkModelConfig())
    linear = [part for part in model.modules() if isinstance(part, torch.nn.Linear)]
    assert len(linear) == 3 * 3 + 2
    assert model.options.unit_length
    assert not make_talk_model([6, 9, 4], TalkModelConfig(loss="euclid")).options.unit_length


def test_a_batch_holds_every_class_and_only_its_samples() -> None:
    pool = [torch.arange(3.0)[:, None, None].expand(3, 7, 2), torch.zeros(3, 7, 1)]
    batch = draw_batch(pool, 4, np.random.default_rng(0))
    assert batch.label.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert torch.equal(batch.inputs[0][:, 0], batch.label.float())
    assert bool(batch.mask.any(dim=1).all())
    parts = batch.split(5)
    assert torch.equal(torch.cat([part.label for part in parts]), batch.label)


class Stop(Exception):  # noqa: N818 -- stands for a kill
    pass


class StopsAtRound(NullLogger):
    def log_metrics(self, metrics: object, step: int) -> None:
        if step == 2:
            raise Stop


def test_a_stopped_training_ends_with_the_same_weights(
    bench: SyntheticBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk_models, "STEPS_PER_ROUND", 10)
    config = TalkModelConfig.model_validate({"steps": 30, **SMALL})
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    whole.mkdir()
    parted.mkdir()
    train_talk_model(bench, whole, config, NullLogger())
    kept = tmp_path / "kept"
    with pytest.raises(Stop):
        train_talk_model(bench, parted, config, StopsAtRound(), Checkpoints(kept, every_s=0))
    counts = train_talk_model(bench, parted, config, NullLogger(), Checkpoints(kept))
    assert counts["resumed_at"] == 19  # round 2 ends at step 20, before a checkpoint
    one, two = (load_file(folder / "model.safetensors") for folder in (whole, parted))
    assert all(torch.equal(one[name], two[name]) for name in one)
