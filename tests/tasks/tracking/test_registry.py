"""The model registry follows what answers, and answers queries itself."""

import os
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from mmpipeline.search.current import current_version, promote
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout
from tasks.tracking.registry import MODEL_NAME, name_versions
from tasks.tracking.store import connect, tracking_uri
from tests.search.conftest import first_world, publish_version  # noqa: F401  a fixture

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)
    os.environ.pop("MLFLOW_RUN_ID", None)


def evaluate(layout: DataLayout, model: str) -> None:
    key = ArtifactKey("evaluation", {"model": model}, {"split": None}, "code")
    name = "dish_title_recall_at_1"
    with ArtifactStore(layout).create(key) as draft:
        (draft.folder / "report.md").write_text("# Evaluation")
        figures = {"": 0.75, "_low": 0.6, "_high": 0.9, "_raw": 0.5, "_chance": 0.125}
        metrics = {f"{name}{suffix}": value for suffix, value in figures.items()}
        draft.notes["metrics"] = {"queries": 40, **metrics}


def test_aliases_follow_and_the_champion_answers(
    first_world: Path,  # noqa: F811
    registry: None,
) -> None:
    layout = DataLayout.at(first_world / "data")
    first = current_version(layout)
    second = publish_version(first_world, "for the registry")
    assert name_versions(layout, {"champion": first, "challenger": second})
    client = connect(layout)
    champion = client.get_model_version_by_alias(MODEL_NAME, "champion")
    assert champion.tags["index_version"] == first
    assert "24 recipes" in champion.description
    assert "has not been evaluated" in champion.description
    assert client.get_model_version_by_alias(MODEL_NAME, "challenger").version != champion.version
    evaluate(layout, "for the registry")
    assert name_versions(layout, {"champion": second, "challenger": None})
    page = client.get_model_version_by_alias(MODEL_NAME, "champion").description
    assert "| right dish first, by title | 0.750 (0.600-0.900) | 0.500 | 0.125 |" in page
    moved = client.get_registered_model(MODEL_NAME).aliases
    assert set(moved) == {"champion"}
    assert len(client.search_model_versions(f"name = '{MODEL_NAME}'")) == 2
    mlflow.set_tracking_uri(tracking_uri(layout))
    model = mlflow.pyfunc.load_model(f"models:/{MODEL_NAME}@champion")
    asked = pd.DataFrame({"title": ["김치찌개", "냉면"], "ingredients": ["김치, 두부", ""]})
    answers = model.predict(asked, params={"k": 3})
    assert answers.groupby("query")["rank"].apply(list).tolist() == [[1, 2, 3], [1, 2, 3]]
    promote(layout, str(first))


def test_a_registry_that_is_away_is_told_later(tmp_path: Path, registry: None) -> None:
    layout = DataLayout.at(tmp_path)
    assert not name_versions(layout, {"champion": "0123456789abcdef"})
