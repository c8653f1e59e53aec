from pathlib import Path

import pandas as pd
import pytest

from mmpipeline.config import (
    FitConfig,
    SyntheticConfig,
    SyntheticEvaluationConfig,
    TalkExperimentConfig,
    TalkMethodConfig,
)
from mmpipeline.talk.data import generate
from mmpipeline.talk.experiment import evaluate_draw, headline
from mmpipeline.talk.measure.suite import SyntheticSuite
from mmpipeline.talk.methods.files import save_method
from mmpipeline.talk.methods.train import train_talk_method

DATA = SyntheticConfig(
    classes=9, known_classes=5, scopes=(5, 7, 9), pool_per_class=40, test_per_class=10
)
CONFIG = TalkExperimentConfig(
    data=DATA,
    evaluation=SyntheticEvaluationConfig(references=10, reference_sweep=(5, 50), draws=2),
    map_queries=90,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("draw")
    suite, folders = SyntheticSuite(generate(DATA)), []
    for name, loss in (("EUC", "euclid_pair"), ("COS", "cosine_pair")):
        method = TalkMethodConfig.model_validate({
            "loss": loss,
            "hidden_dim": 16,
            "embedding_dim": 8,
            "fit": FitConfig(rounds=1, steps_per_round=30),
        })
        folders.append(root / name)
        folders[-1].mkdir()
        trained = train_talk_method(name, suite, method)
        save_method(trained, DATA.modality_dims, method, folders[-1])
    (root / "out").mkdir()
    counts = evaluate_draw(DATA, folders, root / "out", CONFIG)
    assert 0 <= counts["top1_COS"] <= 1
    return root / "out"


def test_every_cell_is_measured_once_beside_baselines_and_bound(folder: Path) -> None:
    cells = pd.read_csv(folder / "cells.csv")
    keys = ["method", "rule", "k", "query", "reference", "scope"]
    assert not cells.duplicated(keys).any()
    assert {"EUC", "COS", "raw", "bayes bound", "chance"} < set(cells["method"])
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
    shown = set(zip(maps["method"], maps["scope"], strict=True))
    assert shown == {("COS", 7), ("COS", 9), ("raw", 7), ("raw", 9)}
    config = (folder / "parameters.json").read_bytes()
    assert SyntheticConfig.model_validate_json(config) == DATA


def test_the_headline_is_the_best_rule_at_the_tables_k() -> None:
    places = [
        ("COS", "a", 200, "0, 1, 2", 0.4),
        ("COS", "b", 200, "0, 1, 2", 0.6),
        ("COS", "b", 2000, "0, 1, 2", 0.9),
        ("ours, too", "a", 200, "0, 1, 2", 0.7),
        ("COS", "a", 200, "0", 0.2),
    ]
    cells = pd.DataFrame(places, columns=["method", "rule", "k", "query", "top1"])
    cells = cells.assign(reference=cells["query"], scope=100)
    assert headline(cells, "0, 1, 2", 100) == {"top1_COS": 0.6, "top1_ours_too": 0.7}
