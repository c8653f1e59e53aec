"""Runs the application: on 127.0.0.1 until interrupted, or in a thread for as long as needed."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import uvicorn

from mmpipeline.config.serve import ServeConfig
from mmpipeline.errors import ConfigError, StageError
from mmpipeline.serving.api.app import create_app
from mmpipeline.serving.http.origins import LOCAL_NAMES
from mmpipeline.serving.http.protocol import timed_protocol
from mmpipeline.storage.layout import DataLayout

DEFAULT_PORT = 8000

_START_S = 60.0
_STOP_S = 5
_BACKLOG = 1024


def run_server(
    layout: DataLayout,
    config: ServeConfig,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    on_start: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM); questions under way are still answered.

    Parameters
    ----------
    layout
        The data folder.
    config
        Limits.
    host
        Address to listen on.
    port
        0 takes a free one.
    on_start
        Called with the address once it listens.

    Raises
    ------
    ConfigError
        If it cannot listen there.
    """
    listener = _listen(host, port)
    torch.set_num_threads(1)  # the threads of the queue are the parallelism
    server = _make_server(layout, config, listener)
    on_start(_address(listener))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn has stopped in order and raises the signal once more
        return


@contextmanager
def serve_in_thread(
    layout: DataLayout, config: ServeConfig = ServeConfig(), port: int = 0
) -> Iterator[str]:
    """Serve on 127.0.0.1 in a thread.

    Parameters
    ----------
    layout
        The data folder.
    config
        Limits.
    port
        0 takes a free one.

    Yields
    ------
    str
        The address, such as ``http://127.0.0.1:40123``; it is stopped on leaving.

    Raises
    ------
    StageError
        If it does not start.
    """
    listener = _listen("127.0.0.1", port)
    server = _make_server(layout, config, listener)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + _START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise StageError("the search service did not start; its log says why")
            time.sleep(0.01)
        yield _address(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _make_server(
    layout: DataLayout, config: ServeConfig, listener: socket.socket
) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            create_app(layout, config, _names(listener)),
            http=timed_protocol(config),
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_STOP_S,
        )
    )


def _names(listener: socket.socket) -> tuple[str, ...] | None:
    """Return the host names to be asked by: on loopback the local ones alone."""
    host = str(listener.getsockname()[0])
    if not ipaddress.ip_address(host).is_loopback:
        return None
    return (*LOCAL_NAMES, f"[{host}]" if ":" in host else host)


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, place = found[0]
        # Named as TCP, or asyncio would not switch Nagle's algorithm off: 40 ms an answer.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; give another --port"
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
