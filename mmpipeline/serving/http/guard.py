"""Stands before the application: how much may come in, how long that may take, what goes out.

A declared length over the limit is refused before anything of the body is read; a stream is cut
where it passes the limit. What all clients together have in memory is bounded too. It is plain
ASGI, not a middleware of the framework, since it must see a body piece by piece.
"""

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmpipeline.config.serve import ServeConfig
from mmpipeline.serving.http.errors import RefusedError
from mmpipeline.serving.http.origins import LOCAL_NAMES, OwnOrigins

FORM_BYTES = 1_000_000
"""What a request may hold besides a photo: the texts, and the form around them."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer: scripts, styles and photos from here alone, in no other site's frame."""

_DRAIN_S = 1.0
_DRAIN_BYTES = 32_000_000


class RequestGuard:
    """Bounds requests and dresses answers.

    Parameters
    ----------
    app
        The application.
    config
        The limits.
    names
        Host names that it may be asked by; a page of another site that points its own name at
        this machine is refused. None accepts any.
    """

    def __init__(
        self, app: ASGIApp, config: ServeConfig, names: tuple[str, ...] | None = LOCAL_NAMES
    ) -> None:
        self._app = app
        self._config = config
        self._own = None if names is None else OwnOrigins(None, local=names)
        self._buffered_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(self, receive, _read_headers(scope))
        answer = _Answer(body, send)
        try:
            refusal = self._refuse(body.headers)
            if refusal is None:
                await self._app(scope, body.receive, answer.send)
            else:
                await refusal.response()(scope, body.receive, answer.send)
        finally:
            self._buffered_bytes -= body.counted_bytes

    @property
    def max_body_bytes(self) -> int:
        """How large a body may be."""
        return self._config.max_upload_bytes + FORM_BYTES

    @property
    def request_timeout_s(self) -> float:
        """How long a body may take."""
        return self._config.request_timeout_s

    def count(self, received: int) -> None:
        """Add to what is held in memory.

        Parameters
        ----------
        received
            Bytes.

        Raises
        ------
        RefusedError
            If all clients together have sent too much.
        """
        if self._buffered_bytes + received > self._config.max_buffered_bytes:
            raise RefusedError(503, "overloaded", "too many uploads at once; ask again soon")
        self._buffered_bytes += received

    def too_large(self) -> RefusedError:
        """Return the refusal of a body over the limit."""
        return RefusedError(
            413,
            "too_large",
            f"the request is larger than {self.max_body_bytes:,} bytes; give a smaller photo",
        )

    def _refuse(self, headers: dict[bytes, bytes]) -> RefusedError | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if self._own is not None and not self._own.answers(host):
            return RefusedError(421, "wrong_host", f"this is not {host or 'the host asked for'}")
        if _declared_bytes(headers) > self.max_body_bytes:
            return self.too_large()
        return None


class _Body:
    """Hands a body on piece by piece, counted and timed."""

    def __init__(self, guard: RequestGuard, receive: Receive, headers: dict[bytes, bytes]) -> None:
        self.headers = headers
        self.counted_bytes = 0
        self.is_whole = not _declared_bytes(headers) and b"transfer-encoding" not in headers
        self._guard = guard
        self._receive = receive
        self._until = asyncio.get_running_loop().time() + guard.request_timeout_s

    async def receive(self) -> Message:
        """Return the next piece.

        Raises
        ------
        RefusedError
            If it does not come in time, or is too much.
        """
        if self.is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            seconds = f"{self._guard.request_timeout_s:g} s"
            raise RefusedError(
                408,
                "too_slow",
                f"the request did not come in whole within {seconds}; send it again",
            ) from error
        received = len(message.get("body", b""))
        self.is_whole = not message.get("more_body", False)
        if self.counted_bytes + received > self._guard.max_body_bytes:
            raise self._guard.too_large()
        self._guard.count(received)
        self.counted_bytes += received
        return message

    async def drain(self) -> None:
        """Read on for a moment and forget it: a client in mid-sentence hears no answer."""
        drained = 0
        try:
            async with asyncio.timeout(_DRAIN_S):
                while not self.is_whole and drained < _DRAIN_BYTES:
                    message = await self._receive()
                    drained += len(message.get("body", b""))
                    self.is_whole = not message.get("more_body", False)
        except TimeoutError:
            return


@dataclass(slots=True)
class _Answer:
    """Adds headers; hangs up on a client whose body was not read to its end."""

    body: _Body
    wire: Send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            named = {name.lower() for name, _ in headers}
            added = HEADERS | {"Cache-Control": "no-store"}
            if not self.body.is_whole:
                added["Connection"] = "close"
            headers += [
                (name.lower().encode(), value.encode())
                for name, value in added.items()
                if name.lower().encode() not in named
            ]
            await self.wire({**message, "headers": headers})
        elif self.body.is_whole or message.get("more_body", False):
            await self.wire(message)
        else:
            await self.wire({**message, "more_body": True})
            await self.body.drain()
            await self.wire({"type": "http.response.body", "body": b"", "more_body": False})


def _read_headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _declared_bytes(headers: dict[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"0")
    return int(declared) if declared.isdigit() else 0
