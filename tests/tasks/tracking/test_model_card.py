"""The registry's page says how well a version's model was measured, from its artifacts."""

import os
from pathlib import Path

import pytest

from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout
from tasks.tracking.model_card import QUESTIONS, describe_index, find_measurement

MODEL = {"model": "m"}


def make(
    store: ArtifactStore,
    kind: str,
    inputs: dict[str, str],
    config: dict[str, object] | None = None,
    **notes: object,
) -> Artifact:
    key = ArtifactKey(kind, inputs, config or {}, "code")
    with store.create(key) as draft:
        (draft.folder / "rows").write_text("x")
        draft.counts |= {"items": 1200, "dishes": 60, "recall_at_10": 1}
        draft.notes |= notes
    artifact = store.find(key)
    assert artifact is not None
    return artifact


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(DataLayout.at(tmp_path / "data"))


@pytest.fixture
def index(store: ArtifactStore) -> Artifact:
    return make(store, "index", MODEL | {"catalog": "c2"})


def test_without_a_measurement_it_says_what_to_do(store: ArtifactStore, index: Artifact) -> None:
    page = describe_index(store.layout, index)
    assert "1,200 recipes, 60 dishes, recall at 10 1.000" in page
    assert "python -m flows evaluate_model" in page


def test_each_figure_stands_beside_raw_features_and_chance(
    store: ArtifactStore, index: Artifact
) -> None:
    metrics = {
        "queries": 57,
        "dish_full_recall_at_1": 0.93,
        "recipe_image_to_text_recall_at_10": 0.7,
    }
    metrics |= {"dish_full_recall_at_1_raw": 0.8, "dish_full_recall_at_1_chance": 0.05}
    evaluation = make(store, "evaluation", MODEL, metrics=metrics)
    page = describe_index(store.layout, index)
    assert f"Evaluation `{evaluation.id}`" in page
    assert "57 held-out recipes ask" in page
    assert "| right dish first, by everything | 0.930 | 0.800 | 0.050 |" in page
    assert "| own recipe among ten, photo to text | 0.700 | - | - |" in page
    assert "by photo" not in page


def test_the_frozen_set_is_named(store: ArtifactStore, index: Artifact) -> None:
    key = ArtifactKey("frozen_scores", MODEL | {"frozen_set": "f1"}, {"split": None}, "code")
    with store.create(key) as draft:
        (draft.folder / "rows").write_text("x")
        draft.counts["frozen_dish_full_recall_at_1"] = 0.865
    page = describe_index(store.layout, index)
    assert "frozen set `f1`, right dish first by everything: 0.865" in page


def test_the_measurement_is_of_the_model_and_rather_of_the_catalogue(
    store: ArtifactStore, index: Artifact
) -> None:
    make(store, "evaluation", {"model": "another", "catalog": "c2"})
    make(store, "evaluation", MODEL | {"catalog": "c2"}, {"split": "val"})
    assert find_measurement(store.layout, "evaluation", index) is None
    older = make(store, "evaluation", MODEL | {"catalog": "c2"})
    newer = make(store, "evaluation", MODEL | {"catalog": "c1"})
    found = find_measurement(store.layout, "evaluation", index)
    assert found is not None
    assert found.id == older.id
    os.truncate(older.folder / "manifest.json", 3)
    found = find_measurement(store.layout, "evaluation", index)
    assert found is not None
    assert found.id == newer.id


def test_the_longest_page_fits_the_registry(store: ArtifactStore, index: Artifact) -> None:
    metrics = {
        f"{name}{suffix}": 0.123456
        for name in QUESTIONS
        for suffix in ("", "_low", "_high", "_raw", "_chance")
    }
    make(store, "evaluation", MODEL, metrics=metrics)
    page = describe_index(store.layout, index)
    assert page.count("(0.123-0.123)") == len(QUESTIONS)
    assert len(page) < 5000
