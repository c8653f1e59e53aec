"""A copy of a data folder keeps to itself, a moved one goes on: with the real MLflow."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from mmpipeline.config import EnvironmentSettings
from mmpipeline.errors import ArtifactError, BusyError
from mmpipeline.operations.locations import check_locations, foreign_locations
from mmpipeline.search.current import current_version
from mmpipeline.storage import DataLayout
from tasks.pages import page_environment
from tasks.runtime.locations import settle_at_start, settle_locations
from tasks.runtime.run_lock import data_root_lock
from tasks.servers.prefect import tracking_uri
from tasks.tracking.registry import MODEL_NAME, name_versions
from tasks.tracking.store import connect
from tasks.tracking.tracked_run import reopen_run, send_left_behind, tracked_run
from tests.folder_watch import changed, look_at
from tests.search.conftest import first_world  # noqa: F401  a fixture

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own
opened: list[str] = []
HOLD = """
import sys
from pathlib import Path
from tasks.runtime.run_lock import data_root_lock
with data_root_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hear(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        opened.append(str(arguments[0]))


sys.addaudithook(hear)  # for good: there is no way to take one away


@pytest.fixture(autouse=True)
def own_mlflow() -> Iterator[None]:
    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)
    os.environ.pop("MLFLOW_RUN_ID", None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DataLayout:
    """A data folder with one run that has one file."""
    layout = DataLayout.at(tmp_path_factory.mktemp("made") / "data")
    train(layout, "first")
    return layout


@pytest.fixture(scope="module")
def registered(
    made: DataLayout,
    first_world: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> DataLayout:
    """A data folder whose index is registered."""
    place = tmp_path_factory.mktemp("registered") / "data"
    shutil.copytree(first_world / "data", place)
    shutil.copytree(made.root / "state", place / "state", dirs_exist_ok=True)
    layout = DataLayout.at(place)
    assert name_versions(layout, {"champion": current_version(layout)})
    return layout


@pytest.fixture
def original(made: DataLayout, tmp_path: Path) -> DataLayout:
    """The same in a place of its own, for a test to do with as it likes."""
    shutil.copytree(made.root, tmp_path / "original")
    settle_locations(tmp_path / "original")
    return DataLayout.at(tmp_path / "original")


def train(layout: DataLayout, name: str) -> str:
    """Track a run as a training does; return its id."""
    model = layout.artifacts("model") / "0123456789abcdef"
    model.mkdir(parents=True, exist_ok=True)
    (model / "weights").write_text(name)
    with tracked_run(layout, name, {"name": name}) as run:
        run.log_dataset(pd.DataFrame({"kind": ["positive"]}), name, model)
        run.log_files(model)
    assert run.run_id is not None
    return run.run_id


def copy(layout: DataLayout, name: str) -> DataLayout:
    place = layout.root.with_name(name)
    shutil.copytree(layout.root, place, symlinks=True)
    return DataLayout.at(place)


def files_of(layout: DataLayout, run_id: str) -> list[str]:
    place = layout.state / "mlflow-artifacts" / run_id / "artifacts"
    return sorted(path.name for path in place.iterdir())


@pytest.mark.parametrize("name", ["copy", "사본 100% #1"])
def test_a_copy_is_trained_in_without_a_trace_in_the_original(
    original: DataLayout, name: str
) -> None:
    copied = copy(original, name)
    before = look_at(original.root)
    first = train(copied, "second")
    assert changed(before, look_at(original.root)) == []
    assert list((copied.state / "mlflow-artifacts" / first).rglob("weights"))
    assert foreign_locations(copied) == []
    train(original, "third")
    assert foreign_locations(original) == []


def test_a_run_of_before_is_gone_on_with_where_it_is_now(original: DataLayout) -> None:
    (run,) = connect(original).search_runs(["1"])
    moved = DataLayout.at(original.root.rename(original.root.with_name("moved")))
    again = reopen_run(moved, run.info.run_id)
    assert again is not None
    (moved.root / "more").mkdir()
    (moved.root / "more" / "report.md").touch()
    again.log_files(moved.root / "more")
    assert files_of(moved, run.info.run_id) == ["report.md", "weights"]
    assert not original.root.exists()


def test_what_was_kept_for_later_is_sent_from_here(
    original: DataLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("MMPIPELINE_MLFLOW_URI", "http://127.0.0.1:9")
        model = original.artifacts("model") / "0123456789abcdef"
        with tracked_run(original, "away", {"name": "away"}) as run:
            run.log_dataset(pd.DataFrame({"kind": ["positive"]}), "away", model)
            run.log_files(model)
    (spool,) = (original.state / "mlflow-spool").glob("*.jsonl")
    assert str(original.root) not in json.loads(spool.read_text().splitlines()[-2])["later"]
    moved = DataLayout.at(original.root.rename(original.root.with_name("moved")))
    send_left_behind(moved)
    found = connect(moved).search_runs(["1"], "tags.name = 'away'")
    assert files_of(moved, found[0].info.run_id) == ["weights"]
    assert foreign_locations(moved) == []
    assert not original.root.exists()


def test_the_champion_of_a_copy_answers_from_the_copy(
    registered: DataLayout, tmp_path: Path
) -> None:
    original, wanted = registered, {"champion": current_version(registered)}
    shutil.copytree(original.root, tmp_path / "copied")
    copied = DataLayout.at(tmp_path / "copied")
    (finding,) = check_locations(copied)
    assert str(original.root) in finding.found
    before = look_at(original.root)
    assert name_versions(copied, wanted)
    assert [finding.status for finding in check_locations(copied)] == ["ok"]
    assert places_read(copied) == {str(copied.root)}
    assert changed(before, look_at(original.root)) == []
    moved = DataLayout.at(copied.root.rename(tmp_path / "moved"))
    assert name_versions(moved, wanted)
    assert len(connect(moved).search_model_versions(f"name = '{MODEL_NAME}'")) == 1
    assert places_read(moved) == {str(moved.root)}
    assert not copied.root.exists()


def places_read(layout: DataLayout) -> set[str]:
    """Ask the champion; return the data folders whose index it opened."""
    mlflow.set_tracking_uri(tracking_uri(layout))
    del opened[:]
    model = mlflow.pyfunc.load_model(f"models:/{MODEL_NAME}@champion")
    answers = model.predict(pd.DataFrame({"title": ["kimchi"]}), params={"k": 3})
    assert len(answers) == 3
    marked = [path.partition("/index/versions/") for path in opened]
    return {root for root, mark, _ in marked if mark}


def test_the_champion_that_an_earlier_script_registered_answers_from_the_copy(
    registered: DataLayout, tmp_path: Path
) -> None:
    shutil.copytree(registered.root, tmp_path / "copied")
    copied = DataLayout.at(tmp_path / "copied")
    for script in copied.state.glob("mlflow-artifacts/models/*/artifacts/pyfunc_model.py"):
        text = script.read_text()
        found = "find_data_folder(path, pointer)"
        assert text.count(found) == 1
        script.write_text(text.replace(found, 'DataLayout.at(pointer["data_root"])'))
    settle_locations(copied.root)
    assert places_read(copied) == {str(copied.root)}


def test_the_script_looks_around_itself_then_where_it_is_told_then_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.tracking.pyfunc_model import find_data_folder  # MLflow warns when it is imported

    around, told, noted = (DataLayout.at(tmp_path / name) for name in ("around", "told", "noted"))
    place = around.state / "mlflow-artifacts" / "models" / "m-1" / "artifacts" / "pointer.json"
    pointer = {"data_root": str(noted.root), "version": "v"}
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(told.root))
    with pytest.raises(ArtifactError, match=f"{noted.root}.*MMPIPELINE_DATA_ROOT"):
        find_data_folder(place, pointer)
    for layout in (noted, told, around):  # each goes before the ones before it
        (layout.artifacts("index") / "v").mkdir(parents=True)
        assert find_data_folder(place, pointer) == layout


def test_a_version_whose_files_are_elsewhere_is_registered_anew(
    registered: DataLayout, tmp_path: Path
) -> None:
    shutil.copytree(registered.root, tmp_path / "data")
    layout = DataLayout.at(tmp_path / "data")
    shutil.rmtree(layout.state / "mlflow-artifacts")
    assert name_versions(layout, {"champion": current_version(layout)})
    assert places_read(layout) == {str(layout.root)}


def test_a_model_whose_run_is_unknown_is_kept_in_the_data_folder(
    registered: DataLayout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    layout = DataLayout.at(shutil.copytree(registered.root, tmp_path / "data"))
    (layout.state / "mlflow.db").unlink()
    assert name_versions(layout, {"champion": current_version(layout)})
    places = [experiment.artifact_location for experiment in connect(layout).search_experiments()]
    assert set(places) == {(layout.state / "mlflow-artifacts").as_uri()}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_while_another_run_works_places_stay_and_figures_are_kept(
    original: DataLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.runtime.locations.WAIT_S", 0.0)
    copied = copy(original, "copy")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(copied.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    before = look_at(original.root)
    with pytest.raises(BusyError, match="another run is at work"):
        settle_locations(copied.root)
    with tracked_run(copied, "meanwhile", {"name": "meanwhile"}) as run:
        run.log_metrics({"loss": 1.0}, step=0)
    assert changed(before, look_at(original.root)) == []
    other.communicate()
    send_left_behind(copied)
    (found,) = connect(copied).search_runs(["1"], "tags.name = 'meanwhile'")
    assert found.data.metrics == {"loss": 1.0}


def test_within_the_only_run_places_are_set_right(original: DataLayout) -> None:
    copied = copy(original, "copy")
    with data_root_lock(copied.root):
        settle_at_start(copied.root)
    assert foreign_locations(copied) == []


def test_the_pages_are_served_on_places_that_were_set_right(original: DataLayout) -> None:
    copied = copy(original, "copy")
    page_environment(copied, EnvironmentSettings())
    assert foreign_locations(copied) == []


def test_two_spellings_of_one_folder_do_not_take_turns(original: DataLayout) -> None:
    link = original.root.with_name("link")
    link.symlink_to(original.root)
    before = look_at(original.root)
    for root in (link, original.root, link):
        settle_locations(root)
    assert changed(before, look_at(original.root)) == []
    assert next(iter(check_locations(DataLayout(link)))).status == "ok"


def test_a_damaged_store_stops_no_run(original: DataLayout) -> None:
    (original.state / "mlflow.db").write_bytes(b"no database" * 1000)
    settle_at_start(original.root)
    with pytest.raises(BusyError, match="doctor"):
        settle_locations(original.root)
