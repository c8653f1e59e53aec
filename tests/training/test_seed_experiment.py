from pathlib import Path

import pandas as pd
import pytest

from mmpipeline.config import (
    SeedExperimentConfig,
    SyntheticConfig,
    SyntheticEvaluationConfig,
    TalkModelConfig,
)
from mmpipeline.evaluation.synthetic_bench import SyntheticBench
from mmpipeline.synthetic import generate, load_parameters
from mmpipeline.training.metric_logger import NullLogger
from mmpipeline.training.seed_experiment import RememberedEmbedding, evaluate_draw
from mmpipeline.training.talk_models import train_talk_model

DATA = SyntheticConfig(
    classes=9, known_classes=5, scopes=(5, 7, 9), pool_per_class=40, test_per_class=10
)
CONFIG = SeedExperimentConfig(
    data=DATA,
    evaluation=SyntheticEvaluationConfig(references=10, reference_sweep=(5, 50), draws=2),
    map_queries=90,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("draw")
    bench, models = SyntheticBench(generate(DATA)), {}
    for name, loss in (("EUC", "euclid"), ("COS", "cosine")):
        config = TalkModelConfig.model_validate({
            "loss": loss,
            "steps": 30,
            "hidden_dim": 16,
            "embedding_dim": 8,
        })
        models[name] = root / name
        models[name].mkdir()
        train_talk_model(bench, models[name], config, NullLogger())
    (root / "out").mkdir()
    counts = evaluate_draw(DATA, models, root / "out", CONFIG)
    assert 0 <= counts["top1_COS"] <= 1
    return root / "out"


def test_every_cell_is_measured_once_beside_baselines_and_bound(folder: Path) -> None:
    cells = pd.read_csv(folder / "cells.csv")
    keys = ["method", "rule", "k", "query", "reference", "scope"]
    assert not cells.duplicated(keys).any()
    assert set(cells["method"]) == {"EUC", "COS", "raw", "bayes bound", "chance"}
    cosine = cells.query("method == 'COS' and rule == 'mean_cosine' and scope == 9")
    assert len(cosine.query("k == 10")) == 49
    assert sorted(cosine["k"].unique()) == [5, 10, 50]
    assert (cells["data_seed"] == DATA.seed).all()
    assert cells.query("k == 50")["replaced"].all()


def test_no_method_is_above_the_bound_by_more_than_noise(folder: Path) -> None:
    cells = pd.read_csv(folder / "cells.csv").query("query == reference and scope == 9")
    bound = cells[cells["method"] == "bayes bound"].set_index("query")["top1"]
    learned = cells[cells["k"] > 0].groupby("query")["top1"].max()
    assert (learned <= bound.loc[learned.index] + 0.1).all()


def test_strangers_maps_and_classes_are_kept(folder: Path) -> None:
    open_set = pd.read_csv(folder / "open_set.csv")
    assert set(open_set["enrolled"]) == {5, 7}
    maps = pd.read_csv(folder / "maps.csv")
    assert set(zip(maps["method"], maps["scope"], strict=True)) == {
        ("COS", 7),
        ("COS", 9),
        ("raw", 7),
        ("raw", 9),
    }
    _, config = load_parameters(folder)
    assert config == DATA


def test_an_embedding_is_made_once_for_items_and_subset() -> None:
    bench, calls = SyntheticBench(generate(DATA)), []
    remembered = RememberedEmbedding(lambda inputs, subset: calls.append(subset) or inputs[0])
    for subset in ((0,), (0, 1), (0,)):
        remembered(bench.test, subset)
    assert calls == [(0,), (0, 1)]
