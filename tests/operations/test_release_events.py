"""A release is told to the Prefect server that answers, over its HTTP API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mmpipeline.operations.release_events import announce_release, announced_api
from mmpipeline.search.release.record import Release
from mmpipeline.storage import DataLayout, write_json_atomic

RELEASE = Release("1" * 16, "rolled back", "2026-01-01T00:00:00+00:00", "2" * 16, "instead of it")


class Server(HTTPServer):
    """Takes what is posted, as Prefect's API does."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.taken = status, list[tuple[str, object]]()
        self.logins: list[str | None] = []

    @property
    def api(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/api"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((self.path, json.loads(body)))
        self.server.logins.append(self.headers["Authorization"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def layout(tmp_path: Path) -> DataLayout:
    return DataLayout.at(tmp_path)


@pytest.fixture
def serve() -> Iterator[type[Server]]:
    running: list[Server] = []

    def start(status: int) -> Server:
        running.append(Server(status))
        threading.Thread(target=running[-1].serve_forever, daemon=True).start()
        return running[-1]

    yield start  # type: ignore[misc]
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def test_the_named_server_is_told(
    layout: DataLayout, serve: type[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(204)
    monkeypatch.setenv("PREFECT_API_URL", server.api)
    assert announce_release(layout, RELEASE)
    ((path, events),) = server.taken
    assert path == "/api/events"
    assert isinstance(events, list)
    (event,) = events
    assert event["event"] == "mmpipeline.index.released"
    assert event["resource"]["prefect.resource.id"] == f"mmpipeline.index.{RELEASE.version}"
    assert event["payload"] == {
        "action": "rolled back", "before": RELEASE.before, "reason": "instead of it"
    }  # fmt: skip


def test_else_that_of_make_ui(layout: DataLayout, serve: type[Server]) -> None:
    server = serve(204)
    layout.state.mkdir(parents=True)
    write_json_atomic(layout.state / "ui.json", {"prefect_api": server.api})
    assert announce_release(layout, RELEASE)
    assert len(server.taken) == 1


def test_an_address_that_came_with_a_copy_is_the_originals(
    layout: DataLayout, serve: type[Server]
) -> None:
    server = serve(204)
    announced = {"prefect_api": server.api, "data_root": str(layout.root)}
    copied = DataLayout.at(layout.root.with_name("copied"))
    for one in (layout, copied):
        one.state.mkdir(parents=True)
        write_json_atomic(one.state / "ui.json", announced)
    assert announced_api(layout) == server.api
    assert announced_api(copied) is None
    assert not announce_release(copied, RELEASE)
    assert server.taken == []
    write_json_atomic(copied.state / "ui.json", ["no", "object"])
    assert announced_api(copied) is None


def test_without_a_server_that_takes_it_that_is_said(
    layout: DataLayout, serve: type[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not announce_release(layout, RELEASE)
    monkeypatch.setenv("PREFECT_API_URL", serve(500).api)
    assert not announce_release(layout, RELEASE)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert not announce_release(layout, RELEASE)


def test_a_login_is_sent_where_one_is_set(
    layout: DataLayout, serve: type[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(204)
    monkeypatch.setenv("PREFECT_API_URL", server.api)
    assert announce_release(layout, RELEASE)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "me:wörd")
    assert announce_release(layout, RELEASE)
    assert server.logins == [None, "Basic bWU6d8O2cmQ="]
