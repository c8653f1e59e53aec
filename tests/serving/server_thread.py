"""The application as it is served, in a thread of the tests' own process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mmpipeline.config.serve import ServeConfig
from mmpipeline.serving.server import _address, _listen, _make_server
from mmpipeline.storage.layout import DataLayout

START_S = 60.0


@contextmanager
def serve_in_thread(layout: DataLayout, config: ServeConfig = ServeConfig()) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1 in a thread; yield the address, stop on leaving."""
    listener = _listen("127.0.0.1", 0)
    server = _make_server(layout, config, listener)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                pytest.fail("the search service did not start")
            time.sleep(0.01)
        yield _address(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
