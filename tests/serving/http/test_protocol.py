import time
from collections.abc import Callable
from contextlib import ExitStack

import requests

from tests.serving.raw_client import connect, read_answer

REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


def test_a_head_that_never_ends_is_given_up(serve: Callable[..., str]) -> None:
    address = serve(request_timeout_s=0.3)
    with connect(address) as connection:
        connection.sendall(REQUEST)
        answer = read_answer(connection)
    assert answer.status == 408
    assert b"too_slow" in answer.body
    assert answer.headers["connection"] == "close"


def test_a_byte_now_and_then_does_not_extend_the_time(serve: Callable[..., str]) -> None:
    address = serve(request_timeout_s=0.4)
    with connect(address) as connection:
        for byte in REQUEST[:20]:
            try:
                connection.sendall(bytes([byte]))
            except ConnectionError:
                break
            time.sleep(0.05)
        assert read_answer(connection).status in {408, 0}
    assert requests.get(f"{address}/health", timeout=10).status_code == 200


def test_a_second_request_is_timed_too(serve: Callable[..., str]) -> None:
    address = serve(request_timeout_s=0.3)
    with connect(address) as connection:
        connection.sendall(REQUEST + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(REQUEST)
        answer = read_answer(connection)
    assert b"too_slow" in answer.body


def test_a_client_that_says_nothing_is_let_go(serve: Callable[..., str]) -> None:
    with connect(serve(request_timeout_s=0.2)) as connection:
        assert read_answer(connection).status == 408


def test_connections_beyond_the_limit_hear_when_to_come_back(serve: Callable[..., str]) -> None:
    address = serve(max_connections=3)
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(connect(address))
        time.sleep(0.1)
        with connect(address) as one_more:
            answer = read_answer(one_more)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    time.sleep(0.1)
    assert requests.get(f"{address}/health", timeout=10).status_code == 200


def test_an_answer_that_nobody_takes_is_dropped(serve: Callable[..., str]) -> None:
    address = serve(request_timeout_s=0.3)
    wanted = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    until = time.monotonic() + 60
    was_dropped = False
    with connect(address) as connection:
        connection.settimeout(0.1)
        while not was_dropped and time.monotonic() < until:  # asks on and on, and never listens
            try:
                connection.sendall(wanted)
            except TimeoutError:  # the buffers between us are full
                continue
            except ConnectionError:
                was_dropped = True
    assert was_dropped
    assert requests.get(f"{address}/health", timeout=10).status_code == 200
