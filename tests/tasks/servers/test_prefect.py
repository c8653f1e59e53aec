"""The private Prefect server answers on loopback, and ends with its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from mmpipeline.errors import PipelineError
from tasks.servers.prefect import LEASE_STORAGE, prefect_server, quiet_environment

ROOT = Path(__file__).parents[3]
KEEP_A_SERVER = """
import sys, time
from pathlib import Path
from tasks.servers.prefect import LEASE_STORAGE, prefect_server, quiet_environment
with prefect_server(Path(sys.argv[1])) as api:
    print(api, flush=True)
    time.sleep(600)
"""


def answers(api: str) -> bool:
    try:
        return requests.get(f"{api}/health", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.mark.flow
def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", KEEP_A_SERVER, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    api = parent.stdout.readline().strip()
    assert api.startswith("http://127.0.0.1:")
    assert answers(api)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 15
    while answers(api) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not answers(api)


class HealthyServer(BaseHTTPRequestHandler):
    asks_for_a_login = False

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Basic {b64encode(b'me:word').decode()}"
        open_to_all = not self.asks_for_a_login or self.path == "/api/health"
        found = not self.path.startswith("/api//")
        self.send_response((200 if known or open_to_all else 401) if found else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_is_named_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), HealthyServer) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        named = f"http://127.0.0.1:{other.server_port}/api"
        for spelled in (named, f"{named}/"):
            monkeypatch.setenv("PREFECT_API_URL", spelled)
            with prefect_server(tmp_path) as api:
                assert api == named
        other.shutdown()
    assert list(tmp_path.iterdir()) == []


def test_a_named_server_that_is_down_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(PipelineError, match="does not answer"), prefect_server(tmp_path):
        pass


class LockedServer(HealthyServer):
    asks_for_a_login = True


def test_a_server_that_asks_for_a_login_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), LockedServer) as locked:
        threading.Thread(target=locked.serve_forever, daemon=True).start()
        named = f"http://127.0.0.1:{locked.server_port}/api"
        monkeypatch.setenv("PREFECT_API_URL", named)
        for wrong in ("", "me:other"):
            monkeypatch.setenv("PREFECT_API_AUTH_STRING", wrong)
            with (
                pytest.raises(PipelineError, match="login; set PREFECT_API_AUTH_STRING"),
                prefect_server(tmp_path),
            ):
                pass
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "me:word")
        with prefect_server(tmp_path) as api:
            assert api == named
        locked.shutdown()


def test_leases_lie_on_disk_unless_somebody_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quiet_environment(tmp_path)[LEASE_STORAGE].endswith(".filesystem")
    monkeypatch.setenv(LEASE_STORAGE, "prefect_redis.lease_storage")
    assert quiet_environment(tmp_path)[LEASE_STORAGE] == "prefect_redis.lease_storage"
