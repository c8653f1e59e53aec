"""What one machine made, another does not make again; and no run waits for the storage."""

import logging
from pathlib import Path

import pytest

from mmpipeline.errors import ConfigError
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, Draft, digest_file
from tasks.runtime.shared_storage import shared_storage
from tasks.runtime.stage import produce

KEY = ArtifactKey("catalog", {}, {}, "")


class Stage:
    """Counts how often it was computed."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, data_root: Path) -> Path:
        return produce(data_root, KEY, self.make, ("rows",))

    def make(self, draft: Draft) -> dict[str, float]:
        self.runs += 1
        (draft.folder / "rows.txt").write_text("content")
        return {"rows": 1}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMPIPELINE_SHARED", f"file://{tmp_path / 'shared'}")
    return tmp_path / "shared"


def messages(caplog: pytest.LogCaptureFixture) -> str:
    text = " ".join(caplog.messages)
    caplog.clear()
    return text


def test_a_second_machine_computes_nothing(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mmpipeline.run")
    stage = Stage()
    first = stage(tmp_path / "one")
    assert "2 files sent to file://" in messages(caplog)
    second = stage(tmp_path / "two")
    assert "was made on another machine" in messages(caplog)
    assert stage.runs == 1
    assert (second / "manifest.json").read_bytes() == (first / "manifest.json").read_bytes()
    assert (second.parent / "LATEST").read_text().strip() == KEY.id


def test_what_is_damaged_there_is_named_made_anew_and_replaced(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()
    digest = digest_file(stage(tmp_path / "one") / "rows.txt")
    (shared / "objects" / digest[:2] / digest).write_text("forgery")
    stage(tmp_path / "two")
    assert f"objects/{digest[:2]}/{digest} (rows.txt) does not match" in messages(caplog)
    assert stage.runs == 2
    stage(tmp_path / "three")
    assert stage.runs == 2


def test_a_storage_that_is_away_is_caught_up_with_later(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared.write_text("no folder")
    stage = Stage()
    stage(tmp_path / "one")
    assert "catalog is computed here" in (text := messages(caplog))
    assert "is not shared yet" in text
    shared.unlink()
    stage(tmp_path / "one")
    assert stage.runs == 1
    storage = shared_storage()
    assert storage is not None
    assert storage.holds(KEY)


def test_an_artifact_asked_for_anew_is_made_here_and_replaced_there(
    shared: Path, tmp_path: Path
) -> None:
    stage = Stage()
    stage(tmp_path / "one")
    store = ArtifactStore(DataLayout.at(tmp_path / "two"))
    store.request_renewal(KEY)
    stage(tmp_path / "two")
    assert stage.runs == 2


def test_a_setting_that_cannot_work_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMPIPELINE_SHARED", "s3://key:secret@bucket/x")
    with pytest.raises(ConfigError, match="credentials belong into the environment"):
        Stage()(tmp_path)
