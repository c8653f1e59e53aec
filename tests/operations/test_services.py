"""The doctor looks at what the environment names, and says what to do about it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch
from distributed import LocalCluster

from mmpipeline.config import EnvironmentSettings
from mmpipeline.operations import services
from mmpipeline.operations.finding import Finding
from mmpipeline.operations.services import check_services
from tests.storage.s3_server import BUCKET, serve_s3

NOWHERE = "127.0.0.1:9"


def look(**settings: object) -> Finding:
    (found,) = check_services(EnvironmentSettings(**settings))  # type: ignore[arg-type]
    assert found.advice or found.status == "ok"
    return found


@contextmanager
def answering(text: str, status: int = 200) -> Iterator[str]:
    """Serve one text at every path; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        host="127.0.0.1",
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
    ) as made:
        yield made.scheduler_address


def test_what_is_not_set_is_not_looked_at() -> None:
    assert list(check_services(EnvironmentSettings())) == []


def test_more_processes_than_cores_are_named() -> None:
    cores = os.cpu_count() or 1
    assert look(train_processes=cores + 1).status == "warning"
    assert f"{cores} at most" in look(train_processes=cores + 1).advice
    if cores > 1:
        assert look(train_processes=cores).status == "ok"


def test_gpus_that_are_asked_for_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(check_services(EnvironmentSettings(device="cpu"))) == []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert look(device="cuda").status == "ok"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    found = look(device="cuda")
    assert (found.status, "sees 0, 1 wanted" in found.found) == ("problem", True)
    assert "MMPIPELINE_DEVICE=auto" in found.advice


def test_an_mlflow_server_is_told_from_none_and_from_another() -> None:
    with answering("OK\n") as place:
        assert look(mlflow_uri=f"http://{place}/").status == "ok"
    with answering("hello") as place:
        assert "not as MLflow does" in look(mlflow_uri=f"http://{place}").found
    with answering("OK", 503) as place:
        assert "answers 503" in look(mlflow_uri=f"http://{place}").found
    away = look(mlflow_uri=f"http://me:secret@{NOWHERE}")
    assert away.status == "warning"
    assert "does not answer" in away.found
    assert "secret" not in away.found
    assert "MMPIPELINE_MLFLOW_URI" in away.advice


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # distributed's own
def test_a_cluster_is_told_from_none_and_from_one_without_workers() -> None:
    with cluster(2) as address:
        assert look(dask=address).found == f"{address}: 2 workers, 2 threads"
    with cluster(0) as address:
        empty = look(dask=address)
    assert empty.status == "problem"
    assert f"dask worker {address}" in empty.advice
    away = look(dask=f"tcp://{NOWHERE}")
    assert away.status == "problem"
    assert "dask scheduler" in away.advice


def test_a_cluster_of_this_machine_has_cores_for_its_processes() -> None:
    cores = os.cpu_count() or 1
    assert look(dask="local").status == "ok"
    assert look(dask=f"local:{cores}").status == "ok"
    many = look(dask=f"local:{cores + 1}")
    assert (many.status, f"local:{cores}" in many.advice) == ("warning", True)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "DASK_PACKAGES", ("distributed", "nosuch_package"))
    found = look(dask="local")
    assert (found.status, found.found) == ("problem", "nosuch_package missing")
    assert "mmpipeline[dask]" in found.advice


def test_a_shared_folder_is_told_from_one_that_is_not_mounted(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert look(shared=f"file://{tmp_path}/there").status == "ok"
    assert list(tmp_path.iterdir()) == [tmp_path / "there"]
    away = look(shared=f"file://{tmp_path}/away")
    assert (away.status, "mount it" in away.advice) == ("warning", True)
    assert not (tmp_path / "away").exists()


def test_a_shared_address_that_cannot_be_used_is_a_problem_and_not_repeated() -> None:
    found = look(shared="s3://key:secret@bucket/x")
    assert found.status == "problem"
    assert "secret" not in found.found


def test_a_bucket_is_told_from_none_and_from_one_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve_s3() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert look(shared=f"s3://{BUCKET}/team").status == "ok"
        missing = look(shared="s3://no-such-bucket/team")
    assert (missing.status, "AWS_ACCESS_KEY_ID" in missing.advice) == ("warning", True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{NOWHERE}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    away = look(shared=f"s3://{BUCKET}/team")
    assert away.status == "warning"
    assert variables["AWS_SECRET_ACCESS_KEY"] not in away.found


def test_a_storage_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(services, "PATIENCE_S", 0.2)
    monkeypatch.setattr("mmpipeline.storage.shared.SharedStorage.probe", lambda _: never.wait())
    found = look(shared="memory://team")
    never.set()
    assert (found.status, found.found) == ("warning", "no answer within 0 s")
