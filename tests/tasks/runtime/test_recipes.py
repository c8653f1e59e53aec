"""What an earlier recipe artifact may be taken for, and that it is only looked for when asked."""

from pathlib import Path
from typing import Any

import pytest

from mmpipeline.config import Recipe1MConfig, SampleConfig
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, open_artifact
from tasks.runtime import recipes
from tasks.runtime.recipes import find_earlier, produce_recipes


def make(root: Path, state: str, code: str, **notes: str) -> Path:
    store = ArtifactStore(DataLayout.at(root))
    key = ArtifactKey("any_source", {"state": state}, {}, code)
    with store.create(key) as draft:
        draft.notes.update(notes)
        (draft.folder / "recipes.parquet").write_text(state)
    artifact = store.find(key)
    assert artifact is not None
    store.mark_latest(artifact)
    return artifact.folder


def test_the_newest_of_the_same_code_and_place_is_taken(tmp_path: Path) -> None:
    layout, key = DataLayout.at(tmp_path), ArtifactKey("any_source", {"state": "b"}, {}, "code")
    assert find_earlier(layout, key, {"site": "here"}) is None
    folder = make(tmp_path, "a", "code", site="here")
    assert find_earlier(layout, key, {"site": "here"}) == folder
    assert find_earlier(layout, key, {"site": "there"}) is None
    assert find_earlier(layout, ArtifactKey("any_source", {}, {}, "new"), {"site": "here"}) is None
    (folder / "recipes.parquet").write_text("b")
    assert find_earlier(layout, key, {"site": "here"}) is None  # it is damaged


def test_a_source_that_takes_nothing_over_has_nothing_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:  # noqa: ANN401
        raise AssertionError(arguments)

    monkeypatch.setattr(recipes, "find_earlier", refuse)
    write_recipe1m_dump(tmp_path / "dump", SampleConfig(recipes=20))
    root = tmp_path / "data"
    folder = produce_recipes("recipe1m", tmp_path / "dump", Recipe1MConfig(), root)
    manifest = open_artifact(folder, "recipe1m").manifest
    assert manifest.notes == {}
    assert manifest.inputs["dump"].endswith(f" at {tmp_path / 'dump'}")
    assert produce_recipes("recipe1m", tmp_path / "dump", Recipe1MConfig(), root) == folder
