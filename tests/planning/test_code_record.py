"""A plan names the definitions whose change renews a stage."""

import os
from pathlib import Path

import pytest

from mmpipeline.config import PipelineConfig
from mmpipeline.planning import code_record, keys
from mmpipeline.planning.code_record import KEPT_VERSIONS, describe_change, record_code
from mmpipeline.planning.refresh import explain
from mmpipeline.provenance import CODE_MARK, Reach, covered_code
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, Draft
from tasks.runtime.stage import produce

KEY = keys.pairs_key("catalog", PipelineConfig().pairs)
COVERED = covered_code(*keys.ENTRIES["pairs"])
NAME = "mmpipeline.pairs.build:build_pairs"


def change(monkeypatch: pytest.MonkeyPatch, **names: str) -> Reach:
    """Let the code of all stages be another."""
    other = Reach(COVERED.definitions | names, COVERED.data)
    monkeypatch.setattr(code_record, "covered_code", lambda *entries: other)
    return other


def test_a_changed_function_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(draft: Draft) -> dict[str, float]:
        (draft.folder / "pairs").touch()
        return {}

    produce(tmp_path, KEY, make, ())
    store = ArtifactStore(DataLayout.at(tmp_path))
    now = change(monkeypatch, **{NAME: "other"})
    key = ArtifactKey(KEY.kind, KEY.inputs, KEY.config, f"{CODE_MARK}{now.digest}")
    assert explain(store, key) == f"its code changed ({NAME})"
    change(monkeypatch, **dict.fromkeys(("a", "b", NAME, "z"), "other"))
    assert explain(store, key) == f"its code changed (a, b, {NAME} and 1 more)"
    (record,) = (tmp_path / "state" / "code").iterdir()
    record.write_text("{")
    assert explain(store, key) == "its code changed"
    record.unlink()
    assert explain(store, key) == "its code changed"


def test_the_last_versions_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = DataLayout.at(tmp_path)
    for number in range(KEPT_VERSIONS + 2):
        digest = change(monkeypatch, **{NAME: str(number)}).digest
        record_code(layout, ArtifactKey("pairs", {}, {}, f"{CODE_MARK}{digest}"))
        path = layout.state / "code" / f"pairs-{digest}.json"
        os.utime(path, (number, number))
    assert len(list((layout.state / "code").iterdir())) == KEPT_VERSIONS
    assert path.exists()
    record_code(layout, ArtifactKey("pairs", {}, {}, "0123456789abcdef"))
    record_code(layout, ArtifactKey("pairs", {}, {}, f"{CODE_MARK}0"))
    assert len(list((layout.state / "code").iterdir())) == KEPT_VERSIONS
    assert describe_change(layout, KEY, "0123456789abcdef") == ""
