import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmpipeline.config import TrainConfig
from mmpipeline.errors import StageError
from mmpipeline.models import load_model
from mmpipeline.training import Checkpoints, NullLogger, train_food_model
from tests.training.pair_files import write_copies, write_pairs

CONFIG = TrainConfig(
    epochs=4, anchors_per_batch=44, hidden_dim=16, embedding_dim=16, patience=4, dropout=0.1
)


class Recorder(NullLogger):
    def __init__(self) -> None:
        self.steps: list[int] = []

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        assert "val_score" in metrics
        self.steps.append(step)


def test_trains_twice_and_counts_on(world: SimpleNamespace, tmp_path: Path) -> None:
    recorder = Recorder()
    counts = train_food_model(world.features, world.pairs, tmp_path, CONFIG, recorder)
    assert recorder.steps == list(range(1, 9))
    assert counts["epochs"] == 8
    assert counts["recipes"] == 88
    assert counts["labels_proposed"] == counts["dishes_joined"] == 0  # all have one
    stored = json.loads((tmp_path / "metrics.json").read_text())
    assert stored["summary"] == counts
    assert [entry["epoch"] for entry in stored["epochs"]] == list(range(1, 9))
    assert stored["epochs"][-1]["train_loss"] < stored["epochs"][0]["train_loss"]
    assert counts["best_epoch"] > 4  # of the second training
    model = load_model(tmp_path)
    assert (model.options.fusion, model.options.encoder) == ("weighted_sum", "linear")


def test_without_self_training_it_trains_once(world: SimpleNamespace, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"self_training_fraction": 0.0})
    counts = train_food_model(world.features, world.pairs, tmp_path, config, NullLogger())
    assert counts["epochs"] == 4


def test_each_part_gets_a_place_of_its_own(world: SimpleNamespace, tmp_path: Path) -> None:
    config = CONFIG.model_copy(
        update={"private_dim": 12, "epochs": 1, "self_training_fraction": 0.0}
    )
    train_food_model(world.features, world.pairs, tmp_path, config, NullLogger())
    model = load_model(tmp_path)
    assert model.embedding_dim == 16 + 4 * 12
    assert model.private_subspace is not None
    assert (model.private_subspace.axes.norm(dim=1) > 0.9).all()


def test_a_finished_training_that_lost_its_result_gives_the_same_bytes(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("plain", "first", "again")]
    stored = [None, *[Checkpoints(tmp_path / "states", every_s=0) for _ in range(2)]]
    for folder, checkpoints in zip(folders, stored, strict=True):
        folder.mkdir()
        train_food_model(world.features, world.pairs, folder, CONFIG, NullLogger(), checkpoints)
    weights = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert weights[0] == weights[1] == weights[2]


@pytest.mark.parametrize("step", [3, 6])
def test_a_training_that_broke_off_goes_on_to_the_same_bytes(
    step: int, world: SimpleNamespace, tmp_path: Path
) -> None:
    class BreaksOff(NullLogger):
        def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
            super().log_metrics(metrics, step)
            if step == where:
                raise ZeroDivisionError

    where = step
    folders = [tmp_path / name for name in ("plain", "resumed")]
    for folder in folders:
        folder.mkdir()
    train_food_model(world.features, world.pairs, folders[0], CONFIG, NullLogger())
    states = tmp_path / "states"
    with pytest.raises(ZeroDivisionError):
        train_food_model(
            world.features, world.pairs, folders[1], CONFIG, BreaksOff(), Checkpoints(states, 0)
        )
    train_food_model(
        world.features, world.pairs, folders[1], CONFIG, NullLogger(), Checkpoints(states, 0)
    )
    plain, resumed = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert plain == resumed


def test_nothing_to_train_on_is_an_error(world: SimpleNamespace, tmp_path: Path) -> None:
    write_pairs(tmp_path, [])
    write_copies(tmp_path, [])
    with pytest.raises(StageError, match="no two recipes"):
        train_food_model(world.features, tmp_path, tmp_path, CONFIG, NullLogger())
