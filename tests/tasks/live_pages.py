"""`make ui` as a process on free ports, and a foreign web server beside it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]

OTHER = "other.example"
REBOUND = "rebound.example"
"""A name of an attacker's that leads here, as after DNS rebinding."""
PRIVATE_LIKE = "10.rebound.example"
"""Another, which begins as a private address does."""
PREFECT_NAME, MLFLOW_NAME = "prefect.example.org", "mlflow.example.org"
"""Under which a proxy publishes the pages."""
HERE_BY_DNS = (OTHER, REBOUND, PRIVATE_LIKE, PREFECT_NAME, MLFLOW_NAME)


@dataclass(frozen=True)
class Pages:
    """Where both servers listen."""

    prefect_port: int
    mlflow_port: int

    @property
    def prefect(self) -> str:
        return f"http://127.0.0.1:{self.prefect_port}"

    @property
    def mlflow(self) -> str:
        return f"http://127.0.0.1:{self.mlflow_port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_pages(data_root: Path, **variables: str) -> Iterator[Pages]:
    """Run `make ui` for the length of a block."""
    pages = Pages(free_port(), free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks.pages"],
        cwd=ROOT,
        env={
            **os.environ,
            "MMPIPELINE_DATA_ROOT": str(data_root),
            "MMPIPELINE_PREFECT_PORT": str(pages.prefect_port),
            "MMPIPELINE_MLFLOW_PORT": str(pages.mlflow_port),
            **variables,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        logs = sorted((data_root / "state" / "logs").glob("*-ui.log"))
        assert said.startswith("Prefect  http://127.0.0.1:"), [log.read_text() for log in logs]
        yield pages
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


class EmptyPage(BaseHTTPRequestHandler):
    """A page of somebody else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>foreign</title>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def foreign_site() -> Iterator[int]:
    """Serve an empty page on another port; yield the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
