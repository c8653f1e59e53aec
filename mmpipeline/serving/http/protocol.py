"""HTTP/1.1 on a clock: a client that is slow to ask, or slow to listen, is let go.

uvicorn waits for the head of a request, and for a client to take its answer, as long as it takes;
a few hundred idle clients would then hold every connection there is. Bodies are timed further in
(`guard`), where an answer can still be given.
"""

import asyncio
import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mmpipeline.config.serve import ServeConfig


def timed_protocol(config: ServeConfig) -> type[H11Protocol]:
    """Return the protocol class for a service's limits.

    Parameters
    ----------
    config
        Gives `request_timeout_s` and `max_connections`.

    Returns
    -------
    type
        To be handed to `uvicorn.Config(http=...)`.
    """
    return type("ConfiguredProtocol", (TimedProtocol,), {"limits": config})


class TimedProtocol(H11Protocol):
    """One connection; see the module."""

    limits = ServeConfig()

    _waiting: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or send it away when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(503, "overloaded", "too many connections; ask again soon")
        else:
            self._start_waiting()

    def data_received(self, data: bytes) -> None:
        """Read on; a request's head has to be whole in time."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._start_waiting()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clocks."""
        self._stop_waiting()
        self._stop_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Stop writing: the client does not take what it asked for; drop it if that goes on."""
        super().pause_writing()
        self._writing = self.loop.call_later(self.limits.request_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        self._stop_writing()
        super().resume_writing()

    def _start_waiting(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.limits.request_timeout_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _give_up(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.IDLE:
            self._refuse(408, "too_slow", "the request did not come in time; send it at once")

    def _refuse(self, status: int, reason: str, message: str) -> None:
        """Answer without having read a request, and hang up."""
        if self.transport.is_closing():
            return
        body = json.dumps({"reason": reason, "message": message}).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *([("Retry-After", "1")] if status == 503 else []),
        ]
        self.transport.write(
            self.conn.send(h11.Response(status_code=status, headers=headers)) or b""
        )
        self.transport.write(self.conn.send(h11.Data(data=body)) or b"")
        self.transport.close()
