"""What `--plan` prints: whether a source or stage would run, and why."""

from pathlib import Path

import pytest

from mmpipeline.config import PipelineConfig, RefreshRequest
from mmpipeline.planning import keys
from mmpipeline.planning.lines import MADE_ANEW_ONCE, NOTHING_NEW, describe_plan
from mmpipeline.planning.refresh import STAGES, plan_refresh
from mmpipeline.search.current import current_version
from mmpipeline.storage import (
    ArtifactKey,
    ArtifactStore,
    DataLayout,
    open_artifact,
    write_text_atomic,
)

CONFIG = PipelineConfig()
BOTH = RefreshRequest(sample=True)


def make(root: Path, key: ArtifactKey) -> Path:
    store = ArtifactStore(DataLayout.at(root))
    with store.create(key) as draft:
        (draft.folder / "rows").write_bytes(key.id.encode())
    artifact = store.find(key)
    assert artifact is not None
    store.mark_latest(artifact)
    return artifact.folder


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A data folder after one refresh over the sample world."""
    make(tmp_path, keys.sample_world_key(CONFIG.sample))
    recipes = [
        make(tmp_path, keys.recipes_key("tenthousand_recipe", "pages", CONFIG.parse)),
        make(tmp_path, keys.recipes_key("recipe1m", "dump", CONFIG.recipe1m)),
    ]
    plan = plan_refresh(tmp_path, recipes, CONFIG)
    for stage in plan.stages:
        make(tmp_path, stage.key)
    write_text_atomic(DataLayout.at(tmp_path).current_index, f"{plan.index_id}\n")
    return tmp_path


def change(section: str, **setting: object) -> PipelineConfig:
    changed = getattr(CONFIG, section).model_copy(update=setting)
    return CONFIG.model_copy(update={section: changed})


def plan(
    root: Path, config: PipelineConfig = CONFIG, request: RefreshRequest = BOTH
) -> dict[str, str]:
    """Return what is said of each kind."""
    lines = describe_plan(root, config, request)
    return {line.split()[0]: line[18:].strip() for line in lines if line != NOTHING_NEW}


def test_nothing_would_run_when_nothing_changed(published: Path) -> None:
    *lines, last = describe_plan(published, CONFIG, BOTH)
    assert last == NOTHING_NEW
    found = {line.split()[0]: line for line in lines}
    assert list(found) == [
        *("sample_world", "tenthousand_recipe", "recipe1m"),
        *("catalog", "features", "pairs", "model", "evaluation", "frozen_scores", "index"),
    ]
    assert found["sample_world"].endswith("done")
    assert found["recipe1m"].endswith("as of now; asked first")
    assert all("done: made 20" in found[kind] for kind in STAGES)


def test_a_changed_section_is_the_reason(published: Path) -> None:
    found = plan(published, change("train", epochs=3))
    assert found["pairs"].partition("  ")[2].startswith("done: made 20")
    assert found["model"].endswith("runs: setting epochs is 3 (was 40)")
    assert found["index"].endswith("runs: new model")


def test_a_changed_door_renews_its_recipes_and_all_after_them(published: Path) -> None:
    found = plan(published, change("parse", required_field_bound=0.5))
    assert found["tenthousand_recipe"].endswith("setting required_field_bound is 0.5 (was 0.2)")
    assert found["recipe1m"].endswith("as of now; asked first")
    assert {found[kind] for kind in STAGES} == {"runs: new recipes from tenthousand_recipe"}


def test_another_world_may_keep_the_model(published: Path) -> None:
    found = plan(published, change("sample", recipes=9))
    assert found["sample_world"].endswith("runs: setting recipes is 9 (was 1800)")
    assert found["catalog"] == "runs: new recipes from sample_world"
    assert found["model"].endswith("the model is kept, or both run")


def test_what_is_not_asked_is_taken_as_it_is(published: Path) -> None:
    config = change("parse", required_field_bound=0.5)
    found = plan(published, config, RefreshRequest(scrape=False, newest=True))
    assert found["tenthousand_recipe"].endswith("as of now; not asked")
    assert "runs" not in " ".join(found.values())


def test_new_recipes_keep_the_model(published: Path) -> None:
    make(published, keys.recipes_key("recipe1m", "another dump", CONFIG.recipe1m))
    found = describe_plan(published, CONFIG, BOTH)
    assert any(line.startswith("model ") and "kept: only data" in line for line in found)
    assert any(line.startswith("catalog ") and "runs: new recipe1m" in line for line in found)
    assert any(line.startswith("evaluation ") and "done: made" in line for line in found)


def test_a_forced_stage_is_said_to_be(published: Path) -> None:
    found = plan(published, CONFIG, BOTH.model_copy(update={"force": ("build_pairs",)}))
    assert found["pairs"].endswith("runs: asked for with --force")
    assert found["index"].partition("  ")[2].startswith("done: made 20")


@pytest.mark.parametrize(
    ("request_", "sources"),
    [
        (BOTH, ["sample_world", "tenthousand_recipe", "recipe1m"]),
        (RefreshRequest(dump=Path("dump"), scrape=False), ["recipe1m"]),
        (RefreshRequest(scrape=False, newest=True), []),
    ],
)
def test_an_empty_data_folder_would_run_everything(
    tmp_path: Path, request_: RefreshRequest, sources: list[str]
) -> None:
    found = plan(tmp_path, CONFIG, request_)
    assert list(found) == [*sources, *STAGES]
    assert all("runs: none yet" in found[kind] for kind in sources)
    reason = "new recipes from tenthousand_recipe" if len(sources) == 3 else None
    reason = reason or ("new recipes from recipe1m" if sources else "no recipes yet")
    assert {found[kind] for kind in STAGES} == {f"runs: {reason}"}
    assert list(tmp_path.iterdir()) == []


def test_the_one_renewal_by_keys_of_the_former_kind_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = "0123456789abcdef"  # of whole source files
    request = RefreshRequest(scrape=False, newest=True)
    with monkeypatch.context() as patch:
        patch.setattr(keys, "digest_code", lambda *entries: former)
        folders = [make(tmp_path, keys.recipes_key("recipe1m", "dump", CONFIG.recipe1m))]
        chain = plan_refresh(tmp_path, folders, CONFIG).stages
        folders += [make(tmp_path, stage.key) for stage in chain]
        write_text_atomic(DataLayout.at(tmp_path).current_index, f"{folders[-1].name}\n")
        assert describe_plan(tmp_path, CONFIG, request)[-1] == NOTHING_NEW
    *lines, last = describe_plan(tmp_path, CONFIG, request)
    assert last == MADE_ANEW_ONCE
    assert max(map(len, [*lines, last])) <= 130
    found = {line.split()[0]: line for line in lines}
    assert found["catalog"].endswith("runs: new previous; its key is of the former kind")
    assert found["model"].endswith("new features; new pairs; its key is of the former kind")
    asked = RefreshRequest(dump=tmp_path, scrape=False)
    assert describe_plan(tmp_path, CONFIG, asked)[-1] == MADE_ANEW_ONCE  # sources say it too
    for folder in folders:  # what is there opens, and goes on answering
        open_artifact(folder).verify()
    assert current_version(DataLayout.at(tmp_path)) == folders[-1].name
