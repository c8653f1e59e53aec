import threading
import time
from collections.abc import Callable

import pytest
import requests

from mmpipeline.config import ServeConfig
from mmpipeline.serving.http.guard import FORM_BYTES, HEADERS
from tests.serving.raw_client import RawAnswer, connect, read_answer, send

HEAD = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def test_every_answer_carries_the_headers(address: str) -> None:
    for path in ("/", "/health", "/nothing", "/static/style.css", "/items/x", "/map"):
        answer = requests.get(address + path, timeout=10)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert requests.get(f"{address}/health", timeout=10).headers["Cache-Control"] == "no-store"


def test_a_declared_length_is_refused_before_the_body(address: str) -> None:
    started = time.monotonic()
    answer = send(address, HEAD + b"Content-Length: 1000000000\r\n\r\n{")
    assert answer.status == 413
    assert b"too_large" in answer.body
    assert answer.headers["connection"] == "close"
    assert time.monotonic() - started < 10  # 1 GB was never waited for


def stream(address: str, total: int) -> tuple[RawAnswer, int]:
    """Send chunks until the service hangs up; return its answer and the bytes that it took."""
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    sent = 0
    with connect(address) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < total:
                connection.sendall(chunk)
                sent += 65536
        except ConnectionError:
            pass
        return read_answer(connection), sent


def test_a_stream_without_end_is_cut_early(serve: Callable[..., str]) -> None:
    address = serve(max_upload_bytes=100_000)
    answer, sent = stream(address, 1_000_000_000)
    assert answer.status in {413, 0}  # 0: the client was still talking when the line was cut
    assert sent < 200_000_000
    assert requests.get(f"{address}/health", timeout=10).status_code == 200


def test_a_stream_a_little_too_long_hears_why(serve: Callable[..., str]) -> None:
    answer, _ = stream(serve(max_upload_bytes=1), FORM_BYTES + 3 * 65536)
    assert answer.status == 413
    assert b"larger than 1,000,001 bytes" in answer.body


def test_a_slow_body_is_given_up(serve: Callable[..., str]) -> None:
    address = serve(request_timeout_s=0.4)
    with connect(address) as connection:
        connection.sendall(HEAD + b"Content-Length: 50\r\n\r\n")
        for _ in range(5):
            connection.sendall(b" ")
            time.sleep(0.05)
        answer = read_answer(connection)
    assert answer.status == 408
    assert b"within 0.4 s" in answer.body


def test_unread_body_of_a_wrong_address_is_not_taken(address: str) -> None:
    answer = send(
        address,
        b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nx",
    )
    assert answer.status == 404
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.0.0.1:80", 200), ("LOCALHOST", 200), ("evil.example", 421),
     ("localhost.evil.example:80", 421), ("", 421)],
)  # fmt: skip
def test_another_sites_name_is_refused(address: str, host: str, status: int) -> None:
    answer = send(
        address, f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.status == status


def test_all_uploads_together_have_a_bound(serve: Callable[..., str]) -> None:
    address = serve(max_buffered_bytes=300_000, request_timeout_s=5)
    with connect(address) as slow:
        slow.sendall(HEAD + b"Content-Length: 290000\r\n\r\n" + b" " * 250_000)
        time.sleep(0.3)
        refused = requests.post(
            f"{address}/search",
            data=b" " * 100_000,
            headers={"Content-Type": "application/json"},
            timeout=10,
        )
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    time.sleep(0.3)  # the slow one has hung up, and its bytes are free again
    assert requests.post(f"{address}/search", json={"title": "국"}, timeout=10).status_code == 200


def test_thirty_two_clients_fit(address: str) -> None:
    assert ServeConfig().places >= 32
    statuses: list[int] = []

    def ask() -> None:
        answer = requests.post(f"{address}/search", json={"title": "김치찌개"}, timeout=60)
        statuses.append(answer.status_code)

    clients = [threading.Thread(target=ask) for _ in range(32)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert statuses == [200] * 32
