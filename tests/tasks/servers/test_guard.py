"""The guard over a real socket, byte by byte: what reaches the application, and what does not."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from mmpipeline.config import EnvironmentSettings
from mmpipeline.serving.http.origins import OwnOrigins
from tasks.servers.guard import HEADERS, ServerGuard, guard_variables
from tests.serving.raw_client import RawAnswer, connect, send
from tests.tasks.live_pages import free_port

PORT = 4200
"""That the guard believes in; the socket has another."""


class Recorder:
    """An application that notes what came through, and answers 200 or opens the socket."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.taken.append(scope["path"])
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1000})
            return
        headers = [(b"content-length", b"7")]
        if scope["path"] == "/strict":
            headers.append((b"x-frame-options", b"DENY"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"reached"})


@contextmanager
def served(app: ServerGuard) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="on")
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


RECORDER = Recorder()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    own = OwnOrigins(PORT, named=("prefect.example.org",))
    with served(ServerGuard(RECORDER, own)) as running:
        yield running


@pytest.fixture
def taken() -> list[str]:
    RECORDER.taken.clear()
    return RECORDER.taken


def ask(address: str, head: str, body: str = "") -> RawAnswer:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return send(address, f"{head}\r\n{length}Connection: close\r\n\r\n{body}".encode("latin-1"))


OWN = f"Host: 127.0.0.1:{PORT}"
LINK = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document"
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
)


@pytest.mark.parametrize(
    "head",
    [
        f"GET /api/health HTTP/1.1\r\n{OWN}",
        f"POST /api/flows/ HTTP/1.1\r\n{OWN}",  # a program: it sends no Origin
        f"POST /api/flows/ HTTP/1.1\r\n{OWN}\r\nOrigin: http://127.0.0.1:{PORT}",
        f"POST /api/flows/ HTTP/1.1\r\n{OWN}\r\nOrigin: http://localhost:{PORT}"
        "\r\nSec-Fetch-Site: cross-site",
        f"POST /api/flows/ HTTP/1.1\r\nHost: LOCALHOST:{PORT}\r\nSec-Fetch-Site: same-origin",
        f"GET /runs HTTP/1.1\r\n{OWN}\r\nSec-Fetch-Site: none",
        f"GET /runs HTTP/1.1\r\n{OWN}\r\n{LINK}",
        f"GET /apiary HTTP/1.1\r\n{OWN}\r\n{LINK}",
        "POST /api/flows/ HTTP/1.1\r\nHost: prefect.example.org"
        "\r\nOrigin: https://prefect.example.org",
        # A proxy that passes its own idea of the host on.
        f"POST /api/flows/ HTTP/1.1\r\n{OWN}\r\nOrigin: https://prefect.example.org",
        "GET /api/health HTTP/1.0\r\nHost: localhost:4200",
    ],
)
def test_own_names_and_own_pages_pass(address: str, taken: list[str], head: str) -> None:
    answer = ask(address, head)
    assert (answer.status, answer.body) == (200, b"reached")
    assert len(taken) == 1


@pytest.mark.parametrize(
    "head",
    [
        "GET /api/health HTTP/1.1\r\nHost: evil.example",
        f"GET /api/health HTTP/1.1\r\nHost: evil.example:{PORT}",
        "GET /api/health HTTP/1.1\r\nHost: ",
        "GET /api/health HTTP/1.0",
        f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{PORT}@evil.example",
        f"GET /api/health HTTP/1.1\r\nHost: 10.evil.example:{PORT}",
        "GET /api/health HTTP/1.1\r\nHost: localhost",
        f"GET /api/health HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1:{PORT}",
        f"GET http://127.0.0.1:{PORT}/api/health HTTP/1.1\r\nHost: evil.example",
    ],
)
def test_another_host_is_refused(address: str, taken: list[str], head: str) -> None:
    answer = ask(address, head)
    assert answer.status == 421
    assert b"MMPIPELINE_ALLOWED_HOSTS" in answer.body
    assert taken == []


def test_two_hosts_are_refused(address: str, taken: list[str]) -> None:
    for other in ("evil.example", f"127.0.0.1:{PORT}"):
        assert ask(address, f"GET / HTTP/1.1\r\n{OWN}\r\nHost: {other}").status in {400, 421}
        assert ask(address, f"GET / HTTP/1.1\r\nHost: {other}\r\n{OWN}").status in {400, 421}
    assert taken == []


@pytest.mark.parametrize("copies", [0, 2])
def test_two_hosts_are_refused_whatever_the_server_lets_through(copies: int) -> None:
    """As with httptools, which reads no header twice."""
    scope = {
        "type": "http", "method": "GET", "path": "/",
        "headers": [(b"host", f"127.0.0.1:{PORT}".encode())] * copies,
    }  # fmt: skip
    sent: list[dict[str, object]] = []

    async def collect(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(ServerGuard(Recorder(), OwnOrigins(PORT))(scope, None, collect))  # type: ignore[arg-type]
    assert sent[0]["status"] == 421


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    "header",
    [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: ",
        "Origin: http://127.0.0.1:5000",
        f"Origin: https://127.0.0.1:{PORT}",
        f"Origin: http://127.0.0.1:{PORT}\r\nOrigin: http://evil.example",
        f"Origin: http://127.0.0.1:{PORT}.evil.example",
        "Origin: http://evil.example\r\nSec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: something-new",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image",
    ],
)
def test_another_origins_page_is_refused(
    address: str, taken: list[str], method: str, header: str
) -> None:
    assert ask(address, f"{method} /api/flows/ HTTP/1.1\r\n{OWN}\r\n{header}").status == 403
    assert taken == []


@pytest.mark.parametrize(
    "head",
    [
        f"POST /runs HTTP/1.1\r\n{OWN}\r\n{LINK}",
        f"GET /api/flows/count HTTP/1.1\r\n{OWN}\r\n{LINK}",
        f"GET /ajax-api/2.0/mlflow/runs HTTP/1.1\r\n{OWN}\r\n{LINK}",
        f"GET /runs HTTP/1.1\r\n{OWN}\r\n{LINK.replace('document', 'iframe')}",
        f"GET /runs HTTP/1.1\r\n{OWN}\r\n{LINK.replace('navigate', 'no-cors')}",
    ],
)
def test_a_link_leads_to_pages_only(address: str, taken: list[str], head: str) -> None:
    assert ask(address, head).status == 403
    assert taken == []


@pytest.mark.parametrize(
    "headers",
    [
        f"{OWN}\r\nOrigin: http://evil.example",
        f"{OWN}\r\nOrigin: null",
        f"Host: evil.example:{PORT}",
        f"Host: evil.example:{PORT}\r\nOrigin: http://evil.example:{PORT}",
        f"{OWN}\r\nSec-Fetch-Site: cross-site",
    ],
)
def test_a_foreign_websocket_is_not_opened(address: str, taken: list[str], headers: str) -> None:
    answer = send(
        address, f"GET /api/events/in HTTP/1.1\r\n{headers}\r\n{UPGRADE}\r\n\r\n".encode()
    )
    assert answer.status == 403
    assert taken == []


@pytest.mark.parametrize("origin", ["", f"\r\nOrigin: http://localhost:{PORT}"])
def test_an_own_websocket_is_opened(address: str, taken: list[str], origin: str) -> None:
    head = f"GET /api/events/in HTTP/1.1\r\n{OWN}{origin}\r\n{UPGRADE}\r\n\r\n"
    with connect(address) as connection:  # to read to its end, one would wait for a handshake
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 101 ")
    assert taken == ["/api/events/in"]


def test_every_answer_is_dressed(address: str, taken: list[str]) -> None:
    for head in (f"GET / HTTP/1.1\r\n{OWN}", "GET / HTTP/1.1\r\nHost: evil.example"):
        answer = ask(address, head)
        for name, value in HEADERS.items():
            assert answer.headers[name.decode()] == value.decode().lower()
    assert ask(address, f"GET /strict HTTP/1.1\r\n{OWN}").headers["x-frame-options"] == "deny"


def test_the_servers_own_checks_know_the_same_places() -> None:
    settings = EnvironmentSettings(
        prefect_port=4300, mlflow_port=5300, allowed_hosts="a.example:8443"
    )
    variables = guard_variables(settings)
    assert variables["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"].split(",") == [
        "http://127.0.0.1:4300", "http://[::1]:4300", "http://a.example:8443",
        "http://localhost:4300", "https://a.example:8443",
    ]  # fmt: skip
    assert variables["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",") == [
        "127.0.0.1:5300", "[::1]:5300", "a.example:8443", "localhost:5300",
    ]  # fmt: skip
    assert "http://a.example:8443" in variables["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")
