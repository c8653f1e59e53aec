"""Which frozen set a model is scored on, and what its run says of it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from mmpipeline.config import EvaluateConfig, FeatureConfig, FrozenSetConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.models import FusionModel, save_model
from mmpipeline.planning import keys
from mmpipeline.planning.frozen import find_frozen_set, plan_frozen
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, open_artifact
from tasks.servers.prefect import tracking_uri
from tasks.stages.frozen import freeze, score
from tasks.tracking.tracked_run import tracked_run
from tests.evaluation.frozen_catalog import make_rows, write_catalog

if TYPE_CHECKING:
    from mlflow.entities import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours
CONFIG = FrozenSetConfig()
FEATURES = FeatureConfig(text_dim=32, image_size_px=32)


def publish_catalog(root: Path, rows: int) -> Path:
    """Make a catalogue artifact of the first recipes."""
    store = ArtifactStore(DataLayout.at(root))
    key = ArtifactKey("catalog", {"rows": str(rows)}, {}, "code")
    with store.create(key) as draft:
        write_catalog(draft.folder, make_rows(root)[:rows])
    return store.folder(key)


def publish_model(root: Path, catalog: Path) -> tuple[Path, Path]:
    """Make a model that was not trained, with its features, pairs and run."""
    store = ArtifactStore(DataLayout.at(root))
    features = keys.features_key(catalog.name, FEATURES)
    pairs = ArtifactKey("pairs", {"catalog": catalog.name}, {}, "code")
    for key in (features, pairs):
        with store.create(key) as draft:
            (draft.folder / "rows").touch()
    key = ArtifactKey("model", {"features": features.id, "pairs": pairs.id}, {}, "code")
    with store.create(key) as draft:
        torch.manual_seed(0)
        save_model(FusionModel(dict(EncoderSet.build(FEATURES).dims), 16, 8), draft.folder)
        with tracked_run(store.layout, "a run", {"model_id": key.id}) as run:
            draft.notes["mlflow_run_id"] = run.run_id
    return store.folder(key), store.folder(features)


def read_run(root: Path, model: Path) -> "Run":
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking_uri(DataLayout.at(root)))
    return client.get_run(open_artifact(model).manifest.notes["mlflow_run_id"])


def test_later_catalogues_and_later_code_use_the_set_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = freeze.fn(publish_catalog(tmp_path, 24), CONFIG, tmp_path)
    other = {"frozen_set": ("mmpipeline.pairs:build_pairs",)}
    monkeypatch.setattr(keys, "ENTRIES", keys.ENTRIES | other)
    assert freeze.fn(publish_catalog(tmp_path, 12), CONFIG, tmp_path) == first
    second = freeze.fn(publish_catalog(tmp_path, 12), FrozenSetConfig(version=2), tmp_path)
    assert first is not None
    assert second not in {None, first}
    assert find_frozen_set(DataLayout.at(tmp_path), CONFIG) == open_artifact(first)


def test_a_damaged_set_is_not_drawn_anew(tmp_path: Path) -> None:
    catalog = publish_catalog(tmp_path, 24)
    folder = freeze.fn(catalog, CONFIG, tmp_path)
    assert folder is not None
    photo = next((folder / "photos").iterdir())
    content = bytearray(photo.read_bytes())
    content[-1] ^= 1
    photo.write_bytes(content)
    with pytest.raises(ArtifactError):
        freeze.fn(catalog, CONFIG, tmp_path)
    (folder / "recipes.parquet").unlink()
    with pytest.raises(ArtifactError, match="restore it from a copy"):
        freeze.fn(catalog, CONFIG, tmp_path)


def test_where_nothing_can_be_drawn_there_are_no_scores(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = publish_catalog(tmp_path, 2)
    with caplog.at_level(logging.INFO, logger="mmpipeline.run"):
        frozen = freeze.fn(catalog, CONFIG, tmp_path)
    assert frozen is None
    assert "not drawn" in caplog.text
    assert score.fn(*publish_model(tmp_path, catalog), frozen, EvaluateConfig(), tmp_path) is None


def test_the_plan_is_what_is_then_done(tmp_path: Path) -> None:
    layout, catalog = DataLayout.at(tmp_path), publish_catalog(tmp_path, 24)
    model, features = publish_model(tmp_path, catalog)
    asked = (layout, model.name, catalog.name, EvaluateConfig(), CONFIG)
    drawn, scored = plan_frozen(*asked)
    frozen = freeze.fn(catalog, CONFIG, tmp_path)
    assert frozen is not None
    assert frozen.name == drawn.id
    assert plan_frozen(*asked) == [scored]
    scores = score.fn(model, features, frozen, EvaluateConfig(split="val"), tmp_path)
    assert scores is not None
    assert scores.name == scored.id
    (frozen / "recipes.parquet").unlink()
    assert plan_frozen(*asked) == []  # whoever evaluates is told what to do


def test_nothing_is_planned_where_nothing_could_be_drawn(tmp_path: Path) -> None:
    layout, catalog = DataLayout.at(tmp_path), publish_catalog(tmp_path, 2)
    assert len(plan_frozen(layout, "model", catalog.name, EvaluateConfig(), CONFIG)) == 2
    assert freeze.fn(catalog, CONFIG, tmp_path) is None
    assert plan_frozen(layout, "model", catalog.name, EvaluateConfig(), CONFIG) == []
    larger = publish_catalog(tmp_path, 24)
    assert len(plan_frozen(layout, "model", larger.name, EvaluateConfig(), CONFIG)) == 2


def test_the_run_names_the_set_by_its_hash_and_holds_its_figures(tmp_path: Path) -> None:
    catalog = publish_catalog(tmp_path, 24)
    frozen = freeze.fn(catalog, CONFIG, tmp_path)
    assert frozen is not None
    model, features = publish_model(tmp_path, catalog)
    scores = score.fn(model, features, frozen, EvaluateConfig(split="val"), tmp_path)
    assert scores is not None
    drawn, made = open_artifact(frozen), open_artifact(scores)
    run = read_run(tmp_path, model)
    assert run.data.tags["frozen_set"] == "v1"
    assert run.data.tags["frozen_set_sha256"] == drawn.manifest.notes["sha256"]
    assert made.manifest.inputs == {"model": model.name, "frozen_set": frozen.name}
    metrics = run.data.metrics
    assert metrics["frozen_recipes"] == 16
    assert metrics["frozen_trained_on"] == 0
    for suffix in ("", "_raw", "_chance", "_low", "_high"):
        assert f"frozen_dish_full_recall_at_1{suffix}" in metrics
    assert [i.dataset.name for i in run.inputs.dataset_inputs] == ["frozen-v1"]
    later = publish_catalog(tmp_path, 9)  # most of its recipes are gone
    again, its_features = publish_model(tmp_path, later)
    assert again != model
    assert freeze.fn(later, CONFIG, tmp_path) == frozen
    score.fn(again, its_features, frozen, EvaluateConfig(), tmp_path)
    figure = "frozen_dish_full_recall_at_1"
    assert read_run(tmp_path, again).data.metrics[figure] == metrics[figure]
