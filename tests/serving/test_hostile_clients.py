"""Hostile clients against the service as users run it: bounded memory, and it lives on.

The service is a process of its own, so its memory is its own too. How much more it holds at its
highest than before is compared with what the clients wanted it to hold.
"""

import io
import os
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.serving.raw_client import connect, read_answer

ROOT = Path(__file__).parents[2]
HEAD = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def process(first_world: Path) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-c", "from mmpipeline.cli import main; main()", "serve", "--port", "0"],
        env={
            "MMPIPELINE_DATA_ROOT": str(first_world / "data"),
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    yield started
    started.terminate()
    started.communicate()


@pytest.fixture(scope="module")
def service(process: subprocess.Popen[str]) -> str:
    """Its address, once it has answered a photo: what that loads is no cost of an attack."""
    assert process.stdout is not None
    address = process.stdout.readline().split()[0]
    for _ in range(4):
        assert ask_with_photo(address, photo(1000, 1000)).status_code == 200
    return address


def peak_mb(process: subprocess.Popen[str]) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


def photo(width: int, height: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(written, "PNG")
    return written.getvalue()


def ask_with_photo(address: str, content: bytes) -> requests.Response:
    files = {"photo": ("a.png", content)}
    return requests.post(f"{address}/search", files=files, timeout=60)


def png_bomb() -> bytes:
    """100 MB of pixels behind a header that promises 30 kB."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000_000), 9)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_bombs_cost_no_memory(process: subprocess.Popen[str], service: str) -> None:
    before = peak_mb(process)
    huge = Image.new("1", (25_000, 24_000))  # 600 Mpx in a few kilobytes
    written = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        huge.save(written, "PNG")
    for content, statuses in (
        (written.getvalue(), {422}),
        (photo(5001, 5000), {422}),
        (png_bomb(), {200, 422}),
        (b"<svg><script>alert(1)</script></svg>", {415}),
        (os.urandom(1_000_000), {415}),
    ):
        for _ in range(3):
            assert ask_with_photo(service, content).status_code in statuses
    assert peak_mb(process) - before < 50
    assert requests.get(f"{service}/ready", timeout=20).status_code == 200


def test_the_largest_photos_at_once_stay_within_the_workers(
    process: subprocess.Popen[str], service: str
) -> None:
    before = peak_mb(process)
    content = photo(5000, 5000)  # 25 Mpx are 75 MB decoded: 900 MB if twelve were at once
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(ask_with_photo(service, content).status_code)

    clients = [threading.Thread(target=ask) for _ in range(12)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert statuses == [200] * 12
    workers = os.cpu_count() or 1
    assert peak_mb(process) - before < 250 * workers + 50


def test_a_gigabyte_is_cut_early(process: subprocess.Popen[str], service: str) -> None:
    before = peak_mb(process)
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    sent = 0
    with connect(service) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 1024:
                connection.sendall(piece)
                sent += 1
        except ConnectionError:
            pass
        assert read_answer(connection).status in {413, 0}
    assert sent < 200
    assert peak_mb(process) - before < 50
    assert requests.get(f"{service}/ready", timeout=20).status_code == 200


def test_many_slow_clients_hold_nobody_up(service: str) -> None:
    with ExitStack() as held:
        for _ in range(100):
            slow = held.enter_context(connect(service))
            slow.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        for _ in range(5):
            answer = requests.post(f"{service}/search", json={"title": "국"}, timeout=20)
            assert answer.status_code == 200
    assert requests.get(f"{service}/health", timeout=20).json()["status"] == "ok"
