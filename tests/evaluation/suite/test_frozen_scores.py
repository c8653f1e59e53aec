"""A model is scored on the frozen set alone, whatever the catalogue is now."""

import json
from pathlib import Path

import pytest
import torch

from mmpipeline.config import EvaluateConfig, FeatureConfig, FrozenSetConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.evaluation.suite.frozen_scores import score_frozen_set
from mmpipeline.evaluation.suite.frozen_set import write_frozen_set
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.models import FusionModel, save_model
from mmpipeline.storage import DataLayout
from tests.evaluation.frozen_catalog import make_rows, write_catalog

FEATURES = FeatureConfig(text_dim=32, image_size_px=32)
CONFIG = EvaluateConfig()


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    catalog = write_catalog(tmp_path / "catalog", make_rows(tmp_path))
    write_frozen_set(catalog, tmp_path / "frozen", DataLayout.at(tmp_path), FrozenSetConfig())
    return tmp_path / "frozen"


def save(folder: Path, features: FeatureConfig = FEATURES) -> Path:
    folder.mkdir()
    torch.manual_seed(0)
    save_model(FusionModel(dict(EncoderSet.build(features).dims), 16, 8), folder)
    return folder


def score(model: Path, frozen: Path, target: Path) -> dict[str, float]:
    target.mkdir()
    score_frozen_set(model, frozen, target, FEATURES, CONFIG)
    metrics: dict[str, float] = json.loads((target / "metrics.json").read_bytes())
    return metrics


def test_everyone_asks_all_others_beside_baselines(frozen: Path, tmp_path: Path) -> None:
    metrics = score(save(tmp_path / "model"), frozen, tmp_path / "scores")
    assert metrics["frozen_recipes"] == metrics["frozen_dish_full_queries"] == 16
    assert metrics["frozen_dish_full_unknown_queries"] == 4
    assert metrics["frozen_dish_full_recall_at_1_chance"] == pytest.approx(3 / 15)
    assert metrics["frozen_dish_full_recall_at_1_tfidf"] == 1.0  # the texts name the dish
    assert metrics["frozen_dish_image_queries"] == 16  # the photos are its own
    low, high = (metrics[f"frozen_dish_full_recall_at_1_{end}"] for end in ("low", "high"))
    assert low <= metrics["frozen_dish_full_recall_at_1"] <= high
    assert not any(name.endswith("_single") for name in metrics)


def test_what_leaves_the_catalogue_changes_no_figure(frozen: Path, tmp_path: Path) -> None:
    model = save(tmp_path / "model")
    before = score(model, frozen, tmp_path / "before")
    write_catalog(tmp_path / "catalog", make_rows(tmp_path)[:3])
    for photo in (tmp_path / "photos").iterdir():
        photo.unlink()
    assert score(model, frozen, tmp_path / "after") == before


def test_a_model_of_other_features_is_refused(frozen: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "model", FEATURES.model_copy(update={"text_dim": 64}))
    with pytest.raises(ArtifactError, match="use the features that the model was trained on"):
        score(other, frozen, tmp_path / "scores")
