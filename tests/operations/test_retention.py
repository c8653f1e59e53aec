"""Old artifacts go; what a pointer or a kept manifest names never does."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.config import RetentionConfig
from mmpipeline.operations.retention import plan_retention, remove_expired
from mmpipeline.storage import (
    Artifact,
    ArtifactKey,
    ArtifactStore,
    DataLayout,
    open_artifact,
    write_text_atomic,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
STRICT = RetentionConfig(keep_versions=1, keep_days=7)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(DataLayout.at(tmp_path))


def make(store: ArtifactStore, kind: str, age_days: float, **inputs: str) -> Artifact:
    """Make an artifact and date it back."""
    key = ArtifactKey(kind, inputs, {"age": age_days}, "code")
    with store.create(key) as draft:
        (draft.folder / "rows").write_text("x" * 1000)
    manifest = store.folder(key) / "manifest.json"
    content = json.loads(manifest.read_text())
    content["created_at"] = (NOW - timedelta(days=age_days)).isoformat(timespec="seconds")
    manifest.write_text(json.dumps(content))
    return open_artifact(store.folder(key))


def expired(store: ArtifactStore, config: RetentionConfig = STRICT) -> set[str]:
    return {artifact.id for artifact in plan_retention(store.layout, config, NOW).expired}


def test_old_versions_go_and_the_newest_stays(store: ArtifactStore) -> None:
    ages = [make(store, "pairs", age) for age in (40, 30, 20)]
    assert expired(store) == {ages[0].id, ages[1].id}
    assert expired(store, RetentionConfig(keep_versions=2, keep_days=7)) == {ages[0].id}
    assert expired(store, RetentionConfig(keep_versions=1, keep_days=35)) == {ages[0].id}


def test_what_a_pointer_names_stays_with_all_it_was_made_from(store: ArtifactStore) -> None:
    catalog = make(store, "catalog", 40)
    features = make(store, "features", 40, catalog=catalog.id)
    index = make(store, "index", 40, features=features.id, catalog=catalog.id)
    make(store, "index", 20)
    make(store, "catalog", 20)
    make(store, "features", 20)
    assert expired(store) == {catalog.id, features.id, index.id}
    write_text_atomic(store.layout.current_index, index.id + "\n")
    assert expired(store) == set()


def test_what_the_pointer_of_a_kind_names_stays_with_its_inputs(store: ArtifactStore) -> None:
    catalog, newer = make(store, "catalog", 40), make(store, "catalog", 20)
    features = make(store, "features", 40, catalog=catalog.id)
    make(store, "features", 20, catalog=newer.id)
    assert expired(store) == {catalog.id, features.id}
    store.mark_latest(features)  # later stages take it by themselves, though it is the older one
    assert expired(store) == set()


@pytest.mark.parametrize("years", [-20, 20])
def test_a_clock_that_jumps_takes_nothing_that_is_needed(store: ArtifactStore, years: int) -> None:
    catalog = make(store, "catalog", 40)
    index = make(store, "index", 40, catalog=catalog.id)
    from_the_future = make(store, "catalog", -9000)
    write_text_atomic(store.layout.current_index, index.id + "\n")
    now = NOW + timedelta(days=365 * years)
    plan = plan_retention(store.layout, STRICT, now)
    assert {catalog.id, index.id, from_the_future.id} == {artifact.id for artifact in plan.kept}


def test_a_predecessor_is_history(store: ArtifactStore) -> None:
    first = make(store, "catalog", 40)
    make(store, "catalog", 20, previous=first.id)
    assert expired(store) == {first.id}


def test_removing_leaves_shared_files_and_no_trace(store: ArtifactStore) -> None:
    old, new = make(store, "index", 40), make(store, "index", 20)
    shared = new.folder / "segment"
    os.link(old.folder / "rows", shared)
    counts = remove_expired(store.layout, plan_retention(store.layout, STRICT, NOW))
    assert counts["removed"] == 1
    assert not old.folder.exists()
    assert shared.read_text() == "x" * 1000
    assert list(store.layout.temporary.iterdir()) == []


def test_a_folder_that_cannot_be_read_is_left_alone(store: ArtifactStore) -> None:
    odd = store.layout.artifacts("pairs") / "mine"
    odd.mkdir(parents=True)
    plan = plan_retention(store.layout, STRICT, NOW)
    assert plan.unreadable == [odd]
    remove_expired(store.layout, plan)
    assert odd.is_dir()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.sets(st.integers(0, 9), max_size=2)), max_size=10),
    st.integers(1, 3),
    st.integers(0, 60),
)
def test_no_kept_artifact_misses_an_input(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, set[int]]],
    versions: int,
    days: int,
) -> None:
    store = ArtifactStore(DataLayout.at(tmp_path_factory.mktemp("data")))
    made: list[Artifact] = []
    for number, (age, sources) in enumerate(rows):
        inputs = {f"input{i}": made[i].id for i in sources if i < len(made)}
        kind = ("catalog", "features", "index")[number % 3]
        made.append(make(store, kind, age + number / 100, **inputs))
    config = RetentionConfig(keep_versions=versions, keep_days=days)
    plan = plan_retention(store.layout, config, NOW)
    kept = {artifact.id for artifact in plan.kept}
    assert kept | {a.id for a in plan.expired} == {a.id for a in made}
    for artifact in plan.kept:
        assert set(artifact.manifest.inputs.values()) <= kept


def test_a_frozen_set_stays_and_its_catalogue_may_go(store: ArtifactStore) -> None:
    catalog = make(store, "catalog", 40)
    for age in (40, 39, 38):
        make(store, "frozen_set", age, drawn_from=catalog.id)
    make(store, "catalog", 20)
    assert expired(store) == {catalog.id}
