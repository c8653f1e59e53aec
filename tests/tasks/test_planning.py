"""What a refresh would do and why: kept models, stages asked for anew, and reasons."""

from pathlib import Path

import pytest

from mmpipeline.config import PipelineConfig, RefreshRequest
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout, write_text_atomic
from tasks import keys
from tasks.planning import (
    STAGES,
    RefreshPlan,
    is_published,
    plan_refresh,
    request_renewals,
)

CONFIG = PipelineConfig()


def make(root: Path, key: ArtifactKey) -> Artifact:
    store = ArtifactStore(DataLayout.at(root))
    with store.create(key) as draft:
        (draft.folder / "rows").write_bytes(key.id.encode())
    artifact = store.find(key)
    assert artifact is not None
    store.mark_current(artifact)
    return artifact


def bring(root: Path, dump: str) -> list[Path]:
    return [make(root, keys.recipe1m_key(dump, CONFIG.recipe1m)).folder]


def carry_out(root: Path, plan: RefreshPlan) -> None:
    for stage in plan.stages:
        if not stage.is_done:
            make(root, stage.key)
    write_text_atomic(DataLayout.at(root).current_index, f"{plan.index_id}\n")


def running(plan: RefreshPlan) -> set[str]:
    return {stage.key.kind for stage in plan.stages if not stage.is_done}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A data folder after one refresh over the dump `a`."""
    plan = plan_refresh(tmp_path, bring(tmp_path, "a"), CONFIG)
    assert running(plan) == set(STAGES)
    carry_out(tmp_path, plan)
    return tmp_path


def test_nothing_new_runs_nothing(published: Path) -> None:
    plan = plan_refresh(published, bring(published, "a"), CONFIG)
    assert running(plan) == set()
    assert is_published(published, plan)


def test_new_recipes_keep_the_published_model(published: Path) -> None:
    plan = plan_refresh(published, bring(published, "b"), CONFIG)
    assert running(plan) == {"catalog", "features", "pairs", "index"}
    assert plan.kept_model is not None
    assert plan.stages[-1].key.inputs["model"] == plan.kept_model.name
    carry_out(published, plan)
    third = plan_refresh(published, bring(published, "c"), CONFIG)
    assert third.kept_model == plan.kept_model


def test_training_is_asked_for(published: Path) -> None:
    recipes = bring(published, "b")
    for request in (RefreshRequest(retrain=True), RefreshRequest(force=("train_fusion",))):
        plan = plan_refresh(published, recipes, CONFIG, request)
        assert plan.kept_model is None
        assert running(plan) == set(STAGES)


@pytest.mark.parametrize(
    ("section", "setting", "keeps"),
    [
        ("catalog", {"min_dish_recipes": 9}, False),
        ("features", {"text_dim": 99}, False),
        ("pairs", {"positives": 9}, False),
        ("train", {"epochs": 9}, False),
        ("index", {"min_recall_at_10": 0.5}, True),
        ("evaluate", {"seed": 9}, True),
    ],
)
def test_a_model_made_in_another_way_is_not_kept(
    section: str, setting: dict[str, object], keeps: bool, published: Path
) -> None:
    changed = getattr(CONFIG, section).model_copy(update=setting)
    other = CONFIG.model_copy(update={section: changed})
    plan = plan_refresh(published, bring(published, "b"), other)
    assert (plan.kept_model is not None) == keeps


def test_other_code_does_not_keep_the_model(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {**keys.SOURCES, "model": ("mmpipeline.errors",)}
    monkeypatch.setattr(keys, "SOURCES", sources)
    assert plan_refresh(published, bring(published, "b"), CONFIG).kept_model is None


def test_a_stage_asked_for_runs_alone_and_once(published: Path) -> None:
    recipes = bring(published, "a")
    request = RefreshRequest(force=("build_pairs",))
    plan = plan_refresh(published, recipes, CONFIG, request)
    assert running(plan) == {"pairs"}
    request_renewals(published, plan, request)
    again = plan_refresh(published, recipes, CONFIG)  # killed before: the wish is still known
    assert running(again) == {"pairs"}
    carry_out(published, again)
    assert running(plan_refresh(published, recipes, CONFIG)) == set()
