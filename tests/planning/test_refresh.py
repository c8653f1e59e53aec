"""What a refresh would do and why: kept models, stages asked for anew, and reasons."""

from pathlib import Path

import pytest

from mmpipeline.config import PipelineConfig, RefreshRequest
from mmpipeline.planning import keys
from mmpipeline.planning.refresh import (
    STAGES,
    RefreshPlan,
    is_published,
    plan_refresh,
    request_renewals,
)
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout, write_text_atomic

CONFIG = PipelineConfig()


def make(root: Path, key: ArtifactKey) -> Artifact:
    store = ArtifactStore(DataLayout.at(root))
    with store.create(key) as draft:
        (draft.folder / "rows").write_bytes(key.id.encode())
    artifact = store.find(key)
    assert artifact is not None
    store.mark_latest(artifact)
    return artifact


def bring(root: Path, dump: str) -> list[Path]:
    return [make(root, keys.recipes_key("recipe1m", dump, CONFIG.recipe1m)).folder]


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
    assert running(plan) == {*STAGES, "frozen_set", "frozen_scores"}
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
        assert running(plan) == {*STAGES, "frozen_scores"}


DOWN_FROM_PAIRS = {"pairs", "model", "evaluation", "frozen_scores", "index"}
CHANGES: dict[str, tuple[dict[str, object], set[str]]] = {
    "catalog": ({"min_dish_recipes": 9}, {"catalog", "features"} | DOWN_FROM_PAIRS),
    "features": ({"text_dim": 99}, {"features"} | DOWN_FROM_PAIRS - {"pairs"}),
    "pairs": ({"positives": 9}, DOWN_FROM_PAIRS),
    "train": ({"epochs": 9}, DOWN_FROM_PAIRS - {"pairs"}),
    "evaluate": ({"seed": 9}, {"evaluation", "frozen_scores"}),
    "frozen": ({"version": 9}, {"frozen_set", "frozen_scores"}),
    "index": ({"min_recall_at_10": 0.5}, {"index"}),
    # The sources say what these bring; the sections after them are of other flows or commands.
    "sample": ({"recipes": 9}, set()),
    "scrape": ({"pace_s": 9.0}, set()),
    "parse": ({"required_field_bound": 0.5}, set()),
    "recipe1m": ({"check_images": False}, set()),
    "sources": ({"some": {}}, set()),
    "promotion": ({"tolerance": 0.5}, set()),
    "comparison": ({"max_cells": 9}, set()),
    "retention": ({"keep_days": 9}, set()),
    "synthetic": ({"seed": 9}, set()),
    "serve": ({"max_k": 9}, set()),
    "experiment": ({"map_queries": 99}, set()),
}
"""A setting of each section, and what a refresh then makes anew after the sources."""


def change(section: str) -> PipelineConfig:
    before, setting = getattr(CONFIG, section), CHANGES[section][0]
    is_table = isinstance(before, dict)
    changed = before | setting if is_table else before.model_copy(update=setting)
    return CONFIG.model_copy(update={section: changed})


@pytest.mark.parametrize("section", PipelineConfig.model_fields)
def test_a_changed_section_runs_exactly_what_depends_on_it(section: str, published: Path) -> None:
    recipes = bring(published, "a")
    plan = plan_refresh(published, recipes, change(section))
    assert running(plan) == CHANGES[section][1]
    carry_out(published, plan)
    assert running(plan_refresh(published, recipes, change(section))) == set()


@pytest.mark.parametrize("section", ["evaluate", "frozen", "index"])
def test_the_same_holds_for_a_kept_model(section: str, published: Path) -> None:
    recipes = bring(published, "b")
    carry_out(published, plan_refresh(published, recipes, CONFIG))
    plan = plan_refresh(published, recipes, change(section))
    assert running(plan) == CHANGES[section][1]
    assert plan.kept_model is not None
    evaluations = [stage.key for stage in plan.stages if stage.key.kind == "evaluation"]
    assert plan.kept_data is not None
    assert evaluations[0].inputs["features"] == plan.kept_data[0].name
    assert evaluations[0].inputs["catalog"] == plan.kept_data[1].name
    assert plan.is_evaluated == (section == "index")


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
    entries = {**keys.ENTRIES, "model": ("mmpipeline.pairs:build_pairs",)}
    monkeypatch.setattr(keys, "ENTRIES", entries)
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
