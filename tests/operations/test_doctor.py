"""The doctor finds what is wrong, says what to do, and changes nothing."""

import socket
import sqlite3
from pathlib import Path

import pytest

from mmpipeline.config import EnvironmentSettings
from mmpipeline.operations.doctor import examine
from mmpipeline.operations.finding import Finding
from mmpipeline.search.releases import note_aliases
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, write_text_atomic

INDEX = ArtifactKey("index", {}, {"seed": 1}, "code")


@pytest.fixture
def layout(tmp_path: Path) -> DataLayout:
    """A data folder with one published index of one file."""
    layout = DataLayout.at(tmp_path / "data")
    with ArtifactStore(layout).create(INDEX) as draft:
        (draft.folder / "vectors.bin").write_bytes(b"0123456789")
        draft.counts["items"] = 10
    write_text_atomic(layout.current_index, INDEX.id + "\n")
    return layout


def look(layout: DataLayout, *, deep: bool = False, **settings: object) -> dict[str, Finding]:
    found = examine(layout, EnvironmentSettings(**settings), deep=deep)  # type: ignore[arg-type]
    return {finding.check: finding for finding in found}


def test_a_sound_folder_has_no_problem(layout: DataLayout) -> None:
    before = sorted(layout.root.rglob("*"))
    found = look(layout)
    assert [f for f in found.values() if f.status == "problem"] == []
    assert found["index"].found == f"{INDEX.id} answers, 10 items"
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
    (layout.artifacts("index") / INDEX.id / "vectors.bin").write_bytes(b"0123")
    found = look(layout)
    assert found["index artifacts"].status == found["index"].status == "problem"
    assert "vectors.bin" in found["index"].found


def test_a_flipped_bit_of_the_index_is_found_and_elsewhere_when_asked(layout: DataLayout) -> None:
    pairs = ArtifactKey("pairs", {}, {}, "code")
    with ArtifactStore(layout).create(pairs) as draft:
        (draft.folder / "pairs.bin").write_bytes(b"aaaa")
    (layout.artifacts("pairs") / pairs.id / "pairs.bin").write_bytes(b"aaab")
    (layout.artifacts("index") / INDEX.id / "vectors.bin").write_bytes(b"0123456780")
    quick = look(layout)
    assert quick["pairs artifacts"].status == "ok"
    assert quick["index"].status == "problem"
    assert look(layout, deep=True)["pairs artifacts"].status == "problem"


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


def test_a_registry_out_of_step_is_named(layout: DataLayout) -> None:
    assert "model registry" not in look(layout)
    note_aliases(layout, {"champion": "0123456789abcdef"})
    assert look(layout)["model registry"].status == "warning"


def test_the_services_of_the_environment_are_looked_at(layout: DataLayout) -> None:
    assert "shared storage" not in look(layout)
    found = look(layout, shared="nosuch://place", mlflow_uri="http://127.0.0.1:9")
    assert found["shared storage"].status == "problem"
    assert found["MLflow server"].status == "warning"
