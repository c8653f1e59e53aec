import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from mmpipeline.config import ServeConfig
from mmpipeline.errors import ConfigError
from mmpipeline.search.current import promote
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.serving.server import run_server
from mmpipeline.storage import DataLayout
from tests.serving.raw_client import connect

ROOT = Path(__file__).parents[2]


@pytest.fixture
def process(first_world: Path) -> Iterator[subprocess.Popen[str]]:
    """`mmpipeline serve` on a free port."""
    started = subprocess.Popen(
        [sys.executable, "-c", "from mmpipeline.cli import main; main()", "serve", "--port", "0"],
        env={
            "MMPIPELINE_DATA_ROOT": str(first_world / "data"),
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield started
    started.kill()
    started.communicate()


def test_it_serves_on_loopback_and_ends_cleanly(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("http://127.0.0.1:")
    assert "Ctrl-C stops it" in line
    address = line.split()[0]
    assert requests.get(f"{address}/ready", timeout=30).status_code == 200
    with connect(address):  # a client that stays connected does not hold it up
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert errors == ""
    assert process.returncode == 0


def test_a_taken_port_is_told_on_one_line(address: str, layout: DataLayout) -> None:
    port = int(address.rpartition(":")[2])
    with pytest.raises(ConfigError, match=f"port {port}: .*give another --port"):
        run_server(layout, ServeConfig(), port=port)
    with pytest.raises(ConfigError, match=r"cannot listen on nowhere\.invalid"):
        run_server(layout, ServeConfig(), host="nowhere.invalid")


def test_a_swap_and_a_rollback_drop_no_question(
    serve: Callable[..., str],
    published: DataLayout,
    index: SearchIndex,
    publish_another: Callable[[], str],
) -> None:
    address = serve(published)
    expected = [hit.recipe_id for hit in index.search(Query(title="김치찌개"), 5).items]
    answers: list[tuple[int, str, bool]] = []
    is_over = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            while not is_over.is_set():
                answer = session.post(
                    f"{address}/search", json={"title": "김치찌개", "k": 5}, timeout=30
                )
                found = [hit["recipe_id"] for hit in answer.json().get("items", [])]
                answers.append((
                    answer.status_code, answer.json().get("version", ""), found == expected
                ))  # fmt: skip

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    newer = publish_another()
    wait_until(lambda: any(version == newer for _, version, _ in answers))
    promote(published, index.version)
    swapped = len(answers)
    wait_until(lambda: any(version == index.version for _, version, _ in answers[swapped + 8 :]))
    is_over.set()
    for client in clients:
        client.join()
    assert {status for status, _, _ in answers} == {200}
    assert {version for _, version, _ in answers} == {index.version, newer}
    assert all(is_right for _, _, is_right in answers)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not happen within 30 s")


def test_answers_are_sent_at_once(address: str) -> None:
    """Nagle's algorithm is off: asyncio does that only for sockets that are named as TCP."""
    from mmpipeline.serving.server import _listen

    with _listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
    with pytest.raises(ConfigError):
        _listen("127.0.0.1", int(address.rpartition(":")[2]))
