"""The fake site's HTTP server on 127.0.0.1, in a thread or as a process of its own.

The standard library's threaded server is enough: one core answers some hundred pages a second.
As a process (``python -m mmpipeline.sample.site.server``) it prints its address and ends when its
standard input ends, so it never outlives whoever started it.
"""

import argparse
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mmpipeline.config.sample import SampleConfig
from mmpipeline.errors import PipelineError
from mmpipeline.sample.site.faults import Fault, SiteResponse
from mmpipeline.sample.site.site import SampleSite

_DRIP_S = 0.1


@dataclass(frozen=True)
class FakeSite:
    """A running site.

    Attributes
    ----------
    base_url
        ``http://127.0.0.1:PORT``.
    site
        The content: recipes can be deleted, the world can grow.
    requests
        Number of requests by path without the query, all threads together.
    log
        Every request in order: method, path with query.
    """

    base_url: str
    site: SampleSite
    requests: Counter[str] = field(default_factory=Counter)
    log: list[tuple[str, str]] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int, site: SampleSite) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.fake = FakeSite(f"http://127.0.0.1:{self.server_port}", site)
        self.count_lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet about clients that hang up; report everything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # stubs differ


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        fake = self.server.fake
        with self.server.count_lock:
            fake.requests[self.path.partition("?")[0]] += 1
            fake.log.append((self.command, self.path))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = fake.site.respond(self.path, fake.base_url, headers)
        if response.on_the_wire is not None:
            self._answer_badly(response)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(response.body)

    def _answer_badly(self, response: SiteResponse) -> None:
        """Send bytes one by one, or half of them and then nothing."""
        self.close_connection = True
        self.send_response(response.status)
        self.send_header("Content-Type", response.headers.get("Content-Type", "text/html"))
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if response.on_the_wire == "slow_drip":
            for at in range(len(response.body)):
                self.wfile.write(response.body[at : at + 1])
                time.sleep(_DRIP_S)
            return
        self.wfile.write(response.body[: len(response.body) // 2])
        if response.on_the_wire == "reset_in_body":
            self.wfile.flush()
            # Closing a socket that lingers for no time sends a reset instead of an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: requests are counted instead."""


@contextmanager
def serve_site(
    config: SampleConfig, port: int = 0, *, page_chars: int = 40_000, every_form: bool = False
) -> Iterator[FakeSite]:
    """Serve the fake site in a thread.

    Parameters
    ----------
    config
        The world.
    port
        Port on 127.0.0.1; 0 takes a free one.
    page_chars
        About how long a recipe page is, in characters.
    every_form
        Serve recipe pages in every form there is.

    Yields
    ------
    FakeSite
        The running site; it is stopped on leaving.

    Raises
    ------
    OSError
        If the port is taken.
    """
    server = _Server(port, SampleSite(config, page_chars, every_form=every_form))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(arguments: list[str] | None = None) -> int:
    """Serve the site until standard input ends; print the address as the first line.

    Parameters
    ----------
    arguments
        Command line; None takes the process's own.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m mmpipeline.sample.site.server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--config-json", default="{}", help="the section [sample], as JSON")
    parser.add_argument("--recipes", type=int, help="size of the world, instead of the section's")
    parser.add_argument("--seed", type=int, help="seed, instead of the section's")
    parser.add_argument("--page-chars", type=int, default=40_000)
    parser.add_argument("--every-form", action="store_true", help="pages of all generations")
    parser.add_argument(
        "--fault",
        nargs=2,
        action="append",
        default=[],
        metavar=("PATH", "KIND"),
        help="let a path fail, such as: --fault /recipe/6000000 slow_drip",
    )
    parser.add_argument("--retry-after", type=float, default=1, help="what a 429 asks for, in s")
    options = parser.parse_args(arguments)
    try:
        section = SampleConfig.model_validate_json(options.config_json).model_dump()
        chosen = {"recipes": options.recipes, "seed": options.seed}
        section |= {key: value for key, value in chosen.items() if value is not None}
        config = SampleConfig.model_validate(section)
        with serve_site(
            config,
            options.port,
            page_chars=options.page_chars,
            every_form=options.every_form,
        ) as fake:
            for path, kind in options.fault:
                fake.site.break_page(path, Fault(kind, retry_after_s=options.retry_after))
            sys.stdout.write(fake.base_url + "\n")
            sys.stdout.flush()
            sys.stdin.read()
    except (PipelineError, ValueError, OSError) as error:
        sys.stderr.write(f"fake site: {str(error).splitlines()[0]}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
