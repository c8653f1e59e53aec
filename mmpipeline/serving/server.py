"""The server that runs the application: on 127.0.0.1, until it is interrupted."""

import ipaddress
import socket
from collections.abc import Callable

import torch
import uvicorn

from mmpipeline.config.serve import ServeConfig
from mmpipeline.errors import ConfigError
from mmpipeline.serving.api.app import create_app
from mmpipeline.serving.http.origins import LOCAL_NAMES
from mmpipeline.serving.http.protocol import timed_protocol
from mmpipeline.storage.layout import DataLayout

DEFAULT_PORT = 8000

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
