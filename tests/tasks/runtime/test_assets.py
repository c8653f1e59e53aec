"""Versions as materializations; what a run tells is in tests/flows/test_refresh_catalog.py."""

from pathlib import Path

import pytest
from prefect.context import AssetContext

from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout
from tasks.runtime.assets import note_materialization


def test_outside_of_a_run_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(AssetContext, "emit_events", lambda *_: told.append(1))
    store = ArtifactStore(DataLayout.at(tmp_path))
    key = ArtifactKey("catalog", {"recipe1m": "a"}, {}, "code")
    with store.create(key) as draft:
        (draft.folder / "rows").touch()
    made = store.find(key)
    assert made is not None
    note_materialization(made)
    assert told == []
