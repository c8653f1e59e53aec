"""Places in MLflow's database and in pointers are found and set right: all of them, or none."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mmpipeline.errors import InputError
from mmpipeline.operations import locations
from mmpipeline.operations.locations import check_locations, foreign_locations, set_right
from mmpipeline.storage import DataLayout

MODEL = "state/mlflow-artifacts/models/m-1/artifacts"
TABLES = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, artifact_location TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, artifact_uri TEXT);
CREATE TABLE logged_models (model_id TEXT PRIMARY KEY, artifact_location TEXT);
CREATE TABLE datasets (dataset_uuid TEXT PRIMARY KEY, dataset_source TEXT);
CREATE TABLE model_versions (name TEXT, version INTEGER, source TEXT, storage_location TEXT);
CREATE TABLE registered_model_aliases (name TEXT, version INTEGER, alias TEXT);
"""
"""The columns that name places, in tables that MLflow has; it has many more."""


def make_folder(root: Path) -> DataLayout:
    """Make a data folder in which all that can name it does."""
    layout = DataLayout.at(root)
    (root / MODEL / "artifacts").mkdir(parents=True)
    (root / MODEL / "MLmodel").touch()
    pointer = {"data_root": str(root), "version": "v"}
    (root / MODEL / "artifacts" / "pointer.json").write_text(json.dumps(pointer))
    rows = {
        "experiments": [(0, "/somewhere/mlruns/0"), (1, uri(root, "state/mlflow-artifacts"))],
        "runs": [(f"r{n}", uri(root, f"state/mlflow-artifacts/r{n}/artifacts")) for n in range(3)],
        "logged_models": [("m-1", uri(root, MODEL))],
        "datasets": [("d", json.dumps({"uri": str(root / "processed/pairs/0123456789abcdef")}))],
        "model_versions": [("recipe-search", 1, "models:/m-1", uri(root, MODEL))],
        "registered_model_aliases": [("recipe-search", 1, "champion")],
    }
    with closing(sqlite3.connect(layout.state / "mlflow.db")) as store:
        store.executescript(TABLES)
        for table, values in rows.items():
            places = ", ".join("?" * len(values[0]))
            store.executemany(f"INSERT INTO {table} VALUES ({places})", values)
        store.commit()
    return layout


def uri(root: Path, tail: str) -> str:
    return (root / tail).as_uri()


def dump(layout: DataLayout) -> str:
    with closing(sqlite3.connect(layout.state / "mlflow.db")) as store:
        return "\n".join(store.iterdump())


@pytest.fixture
def original(tmp_path: Path) -> DataLayout:
    layout = make_folder(tmp_path / "original")
    set_right(layout)  # what MLflow itself gave its experiment `Default`
    return layout


@pytest.fixture
def copied(original: DataLayout) -> DataLayout:
    place = original.root.with_name("a 100% #1 사본")
    shutil.copytree(original.root, place)
    return DataLayout.at(place)


def test_every_place_in_a_copy_follows(original: DataLayout, copied: DataLayout) -> None:
    before = dump(original)
    assert foreign_locations(original) == []
    assert len(foreign_locations(copied, quick=True)) == 2
    assert len(foreign_locations(copied)) == len(set_right(copied)) == 9
    assert foreign_locations(copied) == set_right(copied) == []
    old, new = original.root, copied.root
    expected = dump(original).replace(old.as_uri(), new.as_uri())
    expected = expected.replace(json.dumps(str(old))[:-1], json.dumps(str(new))[:-1])
    assert dump(copied) == expected
    pointer = json.loads((new / MODEL / "artifacts" / "pointer.json").read_bytes())
    assert pointer == {"data_root": str(new), "version": "v"}
    assert dump(original) == before


def test_mlflows_own_folder_for_its_default_experiment_comes_in(tmp_path: Path) -> None:
    layout = make_folder(tmp_path / "data")
    (found,) = set_right(layout)
    assert (found.root, found.right) == (None, uri(layout.root, "state/mlflow-artifacts"))
    assert foreign_locations(layout) == []


def test_a_place_that_somebody_chose_stays(copied: DataLayout) -> None:
    chosen = ["s3://bucket/runs", "/mnt/runs", "file:///mnt/mlruns/0", "mlflow-artifacts:/3"]
    with closing(sqlite3.connect(copied.state / "mlflow.db")) as store:
        store.executemany("INSERT INTO experiments VALUES (?, ?)", enumerate(chosen, start=2))
        store.commit()
    set_right(copied)
    with closing(sqlite3.connect(copied.state / "mlflow.db")) as store:
        kept = store.execute("SELECT artifact_location FROM experiments WHERE experiment_id > 1")
        assert [place for (place,) in kept] == chosen
    assert [finding.status for finding in check_locations(copied)] == ["ok"]


def test_killed_in_the_middle_the_database_is_as_it_was(
    copied: DataLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(copied)

    def fail(path: Path, content: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(locations, "write_json_atomic", fail)
        with pytest.raises(OSError, match="No space left"):
            set_right(copied)
    assert dump(copied) == before
    assert len(set_right(copied)) == 9


def test_a_database_that_two_folders_share_is_not_touched(
    original: DataLayout, copied: DataLayout
) -> None:
    (copied.state / "mlflow.db").unlink()
    os.link(original.state / "mlflow.db", copied.state / "mlflow.db")
    before = dump(original)
    with pytest.raises(InputError, match=r"hard link.*cp -a"):
        set_right(copied)
    assert dump(original) == before
    shared, foreign = check_locations(copied)
    assert (shared.status, foreign.status) == ("problem", "problem")
    assert "cp -a" in shared.advice


def test_a_draft_that_a_killed_maker_left_is_no_other_folder(copied: DataLayout) -> None:
    draft = copied.temporary / "mlflow-1-2" / "mlflow.db"
    draft.parent.mkdir(parents=True)
    os.link(copied.state / "mlflow.db", draft)
    assert len(set_right(copied)) == 9


def test_the_doctor_names_the_other_folder_and_the_way(
    original: DataLayout, copied: DataLayout
) -> None:
    (finding,) = check_locations(copied)
    assert finding.status == "problem"
    assert f"9 places in MLflow and its registry lead to {original.root}" in finding.found
    assert "python -m flows follow_release" in finding.advice
    set_right(copied)
    assert [finding.status for finding in check_locations(copied)] == ["ok"]


def test_the_doctor_names_an_alias_whose_files_are_gone(original: DataLayout) -> None:
    (original.root / MODEL / "MLmodel").unlink()
    (finding,) = check_locations(original)
    assert "registered champion" in finding.found
    assert finding.status == "problem"


def test_a_folder_without_a_store_has_nothing_to_look_at(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path)
    assert foreign_locations(layout) == set_right(layout) == list(check_locations(layout)) == []


def make_shared(layout: DataLayout, other: Path) -> Path:
    """Let another data folder have used this one's server; return the pointer that it left."""
    pointer = layout.state / "mlartifacts/1/models/m-2/artifacts/artifacts/pointer.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text(json.dumps({"data_root": str(other), "version": "theirs"}))
    source = json.dumps({"uri": str(other / "processed/pairs/fedcba9876543210")})
    with closing(sqlite3.connect(layout.state / "mlflow.db")) as store:
        store.execute("INSERT INTO datasets VALUES ('theirs', ?)", [source])
        store.commit()
    return pointer


@pytest.mark.parametrize("is_here", [True, False])  # else on another machine
def test_what_another_folder_sent_to_a_server_of_this_one_stays(
    original: DataLayout, tmp_path: Path, *, is_here: bool
) -> None:
    other = tmp_path / "other"
    if is_here:
        (DataLayout.at(other).artifacts("index") / "theirs").mkdir(parents=True)
        (original.artifacts("index") / "theirs").mkdir(parents=True)
    pointer = make_shared(original, other)
    before = dump(original), pointer.read_bytes()
    assert foreign_locations(original) == set_right(original) == []
    assert [finding.status for finding in check_locations(original)] == ["ok"]
    assert (dump(original), pointer.read_bytes()) == before
    copied = DataLayout.at(shutil.copytree(original.root, tmp_path / "copied"))
    assert {one.root for one in set_right(copied)} == {original.root}
    assert foreign_locations(copied) == []
    assert f"{other}/processed/pairs/fedcba9876543210" in dump(copied)
    assert (copied.root / pointer.relative_to(original.root)).read_bytes() == before[1]


def test_what_lies_here_alone_is_named_here(original: DataLayout, tmp_path: Path) -> None:
    pointer = make_shared(original, tmp_path / "gone")
    (original.artifacts("index") / "theirs").mkdir(parents=True)
    (original.artifacts("pairs") / "fedcba9876543210").mkdir(parents=True)
    assert len(set_right(original)) == 2
    assert json.loads(pointer.read_bytes())["data_root"] == str(original.root)
    assert f"{original.root}/processed/pairs/fedcba9876543210" in dump(original)
    assert foreign_locations(original) == []


def test_pointers_of_a_server_follow_without_a_store_here(tmp_path: Path) -> None:
    pointer = tmp_path / "state/mlartifacts/1/models/m-1/artifacts/artifacts/pointer.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text(json.dumps({"data_root": "/gone", "version": "v"}))
    layout = DataLayout.at(tmp_path)
    assert foreign_locations(layout) == []  # it may be of a folder on another machine
    (layout.artifacts("index") / "v").mkdir(parents=True)
    assert len(foreign_locations(layout)) == len(set_right(layout)) == 1
    assert json.loads(pointer.read_bytes())["data_root"] == str(tmp_path)
