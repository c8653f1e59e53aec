"""A flow run that ends is told: a page in the UI, a webhook, one line on the screen."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.config import SampleConfig
from mmpipeline.sample.dump import write_recipe1m_dump
from tests.flows.conftest import ROOT, environment

pytestmark = pytest.mark.flow


class Receiver(HTTPServer):
    """Keeps the JSON that is posted to it."""

    received: list[dict[str, Any]]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        length = int(self.headers["Content-Length"])
        self.server.received.append(json.loads(self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(("127.0.0.1", 0), Handler) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def normalize(dump: Path, data_root: Path, webhook: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows", "normalize_recipe1m", "--source", str(dump)],
        env={**environment(data_root), "MMPIPELINE_WEBHOOK": webhook},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=800,  # a busy machine is not a hang
        check=False,
    )


def test_the_end_of_a_run_is_told_and_a_deaf_ear_fails_nothing(
    receiver: Receiver, tmp_path: Path
) -> None:
    webhook = f"http://127.0.0.1:{receiver.server_port}/told"
    good, bad = tmp_path / "good", tmp_path / "bad"
    write_recipe1m_dump(good, SampleConfig(recipes=8, dishes=4, photo_size_px=32))
    bad.mkdir()
    (bad / "layer1.json").write_text('[{"id": "a", "title": "cut')
    failed = normalize(bad, tmp_path / "data", webhook)
    assert failed.returncode == 1
    done = normalize(good, tmp_path / "data", webhook)
    assert done.returncode == 0, done.stderr
    first, second = receiver.received
    assert (first["flow"], first["state"]) == ("normalize_recipe1m", "Failed")
    assert second["state"] == "Completed"
    with sqlite3.connect(tmp_path / "data" / "state" / "prefect" / "prefect.db") as store:
        ((page, run),) = store.execute(
            "SELECT data, flow_run_id FROM artifact WHERE key = 'failure'"
        ).fetchall()
    assert run.replace("-", "") == first["run_id"].replace("-", "")
    for word in ("**Stage** normalize_recipe1m", "**Cause** ", "truncated", "**Next** "):
        assert word in json.loads(page)

    deaf = normalize(good, tmp_path / "data", "http://127.0.0.1:9/gone")
    assert deaf.returncode == 0, deaf.stderr
    assert "webhook could not be told" in deaf.stdout
