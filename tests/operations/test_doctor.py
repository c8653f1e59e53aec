"""The doctor finds what is wrong, says what to do, and changes nothing."""

import shutil
import socket
import sqlite3
from pathlib import Path

import pytest

from mmpipeline.config import EnvironmentSettings
from mmpipeline.operations.doctor import examine
from mmpipeline.operations.finding import Finding
from mmpipeline.search.current import current_version
from mmpipeline.search.release.record import note_aliases
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, write_text_atomic
from mmpipeline.storage.held import hold_folder
from tests.search.conftest import first_world  # noqa: F401  a fixture
from tests.search.other_versions import UNREADABLE, make_unreadable


@pytest.fixture
def layout(first_world: Path, tmp_path: Path) -> DataLayout:  # noqa: F811
    """A data folder with one published index."""
    shutil.copytree(first_world, tmp_path / "world")
    return DataLayout.at(tmp_path / "world" / "data")


def published(layout: DataLayout) -> Path:
    """Return the folder of the version that answers."""
    return layout.artifacts("index") / str(current_version(layout))


def look(layout: DataLayout, *, deep: bool = False, **settings: object) -> dict[str, Finding]:
    found = examine(layout, EnvironmentSettings(**settings), deep=deep)  # type: ignore[arg-type]
    return {finding.check: finding for finding in found}


def test_a_sound_folder_has_no_problem(layout: DataLayout) -> None:
    before = sorted(layout.root.rglob("*"))
    found = look(layout)
    assert [f for f in found.values() if f.status == "problem"] == []
    assert found["index"].found == f"{published(layout).name} answers, 24 items"
    assert sorted(layout.root.rglob("*")) == before


def test_every_warning_says_what_to_do(tmp_path: Path) -> None:
    found = look(DataLayout.at(tmp_path / "none"))
    assert {name for name, finding in found.items() if finding.status != "ok"} >= {
        "data folder",
        "contact",
        "index",
    }
    assert all(finding.advice for finding in found.values() if finding.status != "ok")


def test_a_contact_is_enough(layout: DataLayout) -> None:
    assert look(layout, contact="me@example.org")["contact"].status == "ok"


def test_a_cut_file_is_found(layout: DataLayout) -> None:
    (published(layout) / "dead.npy").write_bytes(b"0123")
    found = look(layout)
    assert found["index artifacts"].status == found["index"].status == "problem"
    assert "dead.npy" in found["index"].found


def test_a_flipped_bit_of_the_index_is_found_and_elsewhere_when_asked(layout: DataLayout) -> None:
    pairs = ArtifactKey("pairs", {}, {}, "code")
    with ArtifactStore(layout).create(pairs) as draft:
        (draft.folder / "pairs.bin").write_bytes(b"aaaa")
    (layout.artifacts("pairs") / pairs.id / "pairs.bin").write_bytes(b"aaab")
    weights = published(layout) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"0")
    quick = look(layout)
    assert quick["pairs artifacts"].status == "ok"
    assert quick["index"].status == "problem"
    assert look(layout, deep=True)["pairs artifacts"].status == "problem"


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_version_that_answers_nobody_is_found(layout: DataLayout, how: str) -> None:
    version = published(layout).name
    make_unreadable(layout, version, how)
    finding = look(layout)["index"]
    assert finding.status == "problem"
    assert UNREADABLE[how] in finding.found
    assert "mmpipeline index rollback" in finding.advice


def test_a_pointer_to_nothing_is_found(layout: DataLayout) -> None:
    write_text_atomic(layout.current_index, "0123456789abcdef\n")
    assert look(layout)["index"].status == "problem"


def test_a_database_is_checked(layout: DataLayout) -> None:
    path = layout.state / "mlflow.db"
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE t (x TEXT)")
        store.executemany("INSERT INTO t VALUES (?)", [("y" * 500,)] * 200)
    assert look(layout)["state/mlflow.db"].status == "ok"
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)
    assert look(layout)["state/mlflow.db"].status == "problem"


def test_a_port_in_use_is_named(layout: DataLayout) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        finding = look(layout, prefect_port=port)[f"port {port} (prefect)"]
    assert finding.status == "warning"
    assert "MMPIPELINE_PREFECT_PORT" in finding.advice


def test_unfinished_work_is_mentioned(layout: DataLayout) -> None:
    (layout.temporary / "catalog-x-1-2").mkdir(parents=True)
    assert look(layout)["unfinished work"].status == "warning"


def test_work_that_goes_on_is_not_called_unfinished(layout: DataLayout) -> None:
    with hold_folder(layout.temporary, "catalog"):
        assert look(layout)["unfinished work"].status == "ok"


def test_a_registry_out_of_step_is_named(layout: DataLayout) -> None:
    assert "model registry" not in look(layout)
    note_aliases(layout, {"champion": "0123456789abcdef"})
    assert look(layout)["model registry"].status == "warning"


def test_the_services_of_the_environment_are_looked_at(layout: DataLayout) -> None:
    assert "shared storage" not in look(layout)
    found = look(layout, shared="nosuch://place", mlflow_uri="http://127.0.0.1:9")
    assert found["shared storage"].status == "problem"
    assert found["MLflow server"].status == "warning"
