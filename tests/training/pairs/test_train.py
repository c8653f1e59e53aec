import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from mmpipeline.config import TrainConfig
from mmpipeline.errors import StageError
from mmpipeline.models import load_model
from mmpipeline.training import NullLogger, train_model
from mmpipeline.training.pairs.reader import PARTS
from tests.training.pair_files import write_copies, write_pairs

CONFIG = TrainConfig(
    epochs=8, anchors_per_batch=24, hidden_dim=32, embedding_dim=16, dropout=0.0, patience=8
)


class Recorder:
    def __init__(self) -> None:
        self.params: list[Mapping[str, object]] = []
        self.steps: list[int] = []
        self.metrics: list[Mapping[str, float]] = []

    def log_params(self, params: Mapping[str, object]) -> None:
        self.params.append(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self.steps.append(step)
        self.metrics.append(metrics)


def train(world: SimpleNamespace, target: Path, config: TrainConfig = CONFIG) -> dict[str, float]:
    target.mkdir(exist_ok=True)
    return train_model(world.features, world.pairs, target, config, NullLogger())


def test_writes_a_model_that_loads_and_its_metrics(world: SimpleNamespace, tmp_path: Path) -> None:
    recorder = Recorder()
    counts = train_model(world.features, world.pairs, tmp_path, CONFIG, recorder)
    names = ["metrics.json", "model.json", "model.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    model = load_model(tmp_path)
    assert (model.learned_dim, model.embedding_dim) == (16, 16 + 4 * 32)
    assert model.private_subspace is not None
    assert (model.private_subspace.axes.norm(dim=1) > 0.9).all()
    stored = json.loads((tmp_path / "metrics.json").read_text())
    assert stored["summary"] == counts
    assert len(stored["epochs"]) == counts["epochs"] == 8
    assert recorder.params == [CONFIG.model_dump()]
    assert recorder.steps == list(range(1, 9))
    assert {"train_loss", "learning_rate", "val_score"} <= set(recorder.metrics[0])
    best = max(stored["epochs"], key=lambda epoch: epoch["val_score"])
    assert counts["best_epoch"] == best["epoch"]
    assert counts["val_score"] == best["val_score"]
    assert stored["epochs"][-1]["train_loss"] < stored["epochs"][0]["train_loss"]


def test_the_same_inputs_give_the_same_bytes(world: SimpleNamespace, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"epochs": 2, "dropout": 0.2})
    for name in ("one", "two"):
        torch.manual_seed(len(name))  # what the caller does to the generator must not matter
        torch.randn(3)
        train(world, tmp_path / name, config)
    first, second = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")
    )
    assert first == second
    train(world, tmp_path / "three", config.model_copy(update={"seed": 1}))
    assert (tmp_path / "three" / "model.safetensors").read_bytes() != first


def test_training_leaves_the_callers_torch_alone(world: SimpleNamespace, tmp_path: Path) -> None:
    torch.manual_seed(4)
    expected = torch.randn(3)
    torch.manual_seed(4)
    train(world, tmp_path, CONFIG.model_copy(update={"epochs": 1}))
    assert torch.equal(torch.randn(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_labels_that_say_nothing_teach_nothing(world: SimpleNamespace, tmp_path: Path) -> None:
    """The control experiment: left sides keep their labels and get the right sides of others."""
    honest = train(world, tmp_path / "honest")
    rows = pq.read_table(world.pairs / "pairs.parquet").to_pylist()
    trained = [row for row in rows if row["split"] == "train"]
    generator = np.random.default_rng(1)
    order = generator.permutation(len(trained))
    dish_of = {row["left_text"] or row["left_image"]: row["left_text_dish"] for row in trained}
    dealt = dict(zip(dish_of, generator.permutation([*dish_of.values()]).tolist(), strict=True))
    rights = [{part: trained[i][part] for part in PARTS[2:]} for i in order]
    for row, right in zip(trained, rights, strict=True):
        row.update(right)
        row.update({f"{part}_dish": dealt.get(row[part]) for part in PARTS})
    write_pairs(tmp_path, rows)
    write_copies(tmp_path, [])
    (tmp_path / "dealt").mkdir()
    dealt_anew = train_model(world.features, tmp_path, tmp_path / "dealt", CONFIG, NullLogger())
    assert honest["val_score"] > 0.6
    assert dealt_anew["val_score"] < honest["val_score"] - 0.3


def test_batches_of_several_anchors_a_dish_learn_too(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    balanced = train(world, tmp_path, CONFIG.model_copy(update={"anchors_per_dish": 3}))
    assert balanced["val_score"] > 0.6


def test_stops_early_and_keeps_the_best_weights(world: SimpleNamespace, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"epochs": 40, "patience": 1, "learning_rate": 0.02})
    counts = train(world, tmp_path / "stopped", config)
    assert counts["epochs"] < 40
    assert counts["best_epoch"] == counts["epochs"] - 1


def test_without_validation_pairs_the_last_weights_stay(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    table = pq.read_table(world.pairs / "pairs.parquet")
    pq.write_table(table.filter(pc.equal(table["split"], "train")), tmp_path / "pairs.parquet")
    shutil.copy(world.pairs / "copies.parquet", tmp_path)
    config = CONFIG.model_copy(update={"epochs": 2, "patience": 1})
    counts = train_model(world.features, tmp_path, tmp_path, config, NullLogger())
    assert counts["epochs"] == counts["best_epoch"] == 2
    assert "val_score" not in counts


def test_a_loss_that_is_no_number_names_step_and_recipes(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    features = tmp_path / "features"
    shutil.copytree(world.features, features)
    title = np.load(features / "title.npy")
    title[:] = math.nan
    np.save(features / "title.npy", title)
    with pytest.raises(StageError, match=r"the loss is nan at step 1, batch of 22 recipes \(t:"):
        train_model(features, world.pairs, tmp_path, CONFIG, NullLogger())
    assert not (tmp_path / "model.safetensors").exists()


def test_training_without_negatives_or_pairs_is_refused(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    table = pq.read_table(world.pairs / "pairs.parquet")
    pq.write_table(table.filter(pc.equal(table["label"], 1)), tmp_path / "pairs.parquet")
    shutil.copy(world.pairs / "copies.parquet", tmp_path)
    with pytest.raises(StageError, match="and 0 negative pairs; training needs both"):
        train_model(world.features, tmp_path, tmp_path, CONFIG, NullLogger())
    pq.write_table(table.slice(0, 0), tmp_path / "pairs.parquet")
    with pytest.raises(StageError, match="0 positive"):
        train_model(world.features, tmp_path, tmp_path, CONFIG, NullLogger())
