"""The private Prefect server of a local run.

A run without a server of its own would start Prefect's temporary one, which prints tracebacks
when it shuts down. So a local run starts a server itself: on a free loopback port, its output in
a log file, its database in `data/state/prefect`, and asks for a login that only this run's
processes know. The server watches a pipe to its parent and ends when that closes, so that not
even a killed run leaves one behind.

Costs some seconds at the start of a run (14 on an empty database); a server that is already
running (`PREFECT_API_URL`, or `make ui`) is used instead.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import requests

from mmpipeline.config.environment import load_settings
from mmpipeline.errors import PipelineError
from mmpipeline.operations.prefect_login import LOGIN_VARIABLE, login_headers
from mmpipeline.operations.release_events import announced_api
from mmpipeline.storage.layout import DataLayout

HOST = "127.0.0.1"
START_TIMEOUT_S = 300  # one that ends is noticed at once; this is for a busy machine
STORE_FILE = "mlflow.db"
OUTLIVES = "--outlives-parent"
SERVER_LOGIN_VARIABLE = "PREFECT_SERVER_API_AUTH_STRING"
LEASE_STORAGE = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
LEASE_MODULES = "prefect.server.concurrency.lease_storage"


def quiet_environment(data_root: Path) -> dict[str, str]:
    """Return the variables that keep Prefect, MLflow, torch and matplotlib at home and quiet.

    Parameters
    ----------
    data_root
        The data folder; Prefect's home lies in its state.

    Returns
    -------
    dict of str to str
        To be put into the environment before either library is imported.
    """
    layout = DataLayout.at(data_root)
    return {
        "PREFECT_HOME": str(layout.state / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "5",  # a slot is free that much sooner
        LEASE_STORAGE: os.environ.get(LEASE_STORAGE, f"{LEASE_MODULES}.filesystem"),
        "PREFECT_LOGGING_EXTRA_LOGGERS": "mmpipeline",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "true",
        "OMP_WAIT_POLICY": "PASSIVE",  # spinning torch threads take the cores from everyone else
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MPLCONFIGDIR": str(layout.state / "matplotlib"),  # else below the user's home
        "TORCHINDUCTOR_CACHE_DIR": str(layout.state / "torch"),  # else a folder left in /tmp
        "MLFLOW_TRACKING_URI": tracking_uri(layout),
    }


def embedded_store(layout: DataLayout) -> str:
    """Return the address of the MLflow store below the data folder."""
    return f"sqlite:///{layout.state / STORE_FILE}"


def tracking_uri(layout: DataLayout) -> str:
    """Return the address that runs are logged to: the embedded store, or a server's."""
    return load_settings().mlflow_uri or embedded_store(layout)


@contextmanager
def prefect_server(data_root: Path, *, login: str | None = None) -> Iterator[str]:
    """Run a Prefect server for the length of a block, or find one that runs already.

    Parameters
    ----------
    data_root
        The data folder.
    login
        What a server that is started asks of everybody, since every user of a machine reaches
        its loopback ports. This process's environment, and so that of its children, holds it for
        the length of the block; no file and no command line does. None asks for nothing.

    Yields
    ------
    str
        The API's URL.

    Raises
    ------
    PipelineError
        If the server does not come up (the message names its log), or the one that is named does
        not answer.
    """
    layout = DataLayout.at(data_root)
    running = find_server(layout)
    if running:
        yield running
        return
    log = layout.state / "logs" / "prefect-server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    with log.open("ab") as output:
        process = _start_server(layout, port, output, login)
        try:
            wait_until_ready(f"http://{HOST}:{port}/api/health", process, log)
            with _logged_in(login):
                yield f"http://{HOST}:{port}/api"
        finally:
            stop_server(process)


def find_server(layout: DataLayout) -> str | None:
    """Return the API URL of a server that runs already.

    Parameters
    ----------
    layout
        The data folder, where `make ui` leaves its address.

    Returns
    -------
    str or None
        The one that `PREFECT_API_URL` names, or that of `make ui`; None when there is none.

    Raises
    ------
    PipelineError
        If the one that is named does not answer, or one asks for a login that is not known.
    """
    named = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if named and not _answers(named):
        raise PipelineError(
            f"PREFECT_API_URL={named} does not answer; start that server or unset the variable"
        )
    return named or _announced_server(layout)


def new_login() -> str:
    """Return a login that nobody can guess, as `prefect_server` takes it."""
    return f"mmpipeline:{secrets.token_urlsafe(32)}"


@contextmanager
def _logged_in(login: str | None) -> Iterator[None]:
    before = os.environ.get(LOGIN_VARIABLE)
    if login is None:
        yield
        return
    os.environ[LOGIN_VARIABLE] = login
    try:
        yield
    finally:
        os.environ.pop(LOGIN_VARIABLE)
        if before is not None:
            os.environ[LOGIN_VARIABLE] = before


def _start_server(
    layout: DataLayout, port: int, output: IO[bytes], login: str | None
) -> subprocess.Popen[bytes]:
    asked = {} if login is None else {SERVER_LOGIN_VARIABLE: login}
    private = {"PREFECT_UI_ENABLED": "false", **asked}
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.servers.prefect", str(port)],
        env={**os.environ, **quiet_environment(layout.root), **private},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C is for the run; it then stops the server in order
    )


def _announced_server(layout: DataLayout) -> str | None:
    """Return the API URL that `make ui` left, if a server still answers there."""
    url = announced_api(layout)
    return url if url is not None and _answers(url) else None


def _answers(api: str) -> bool:
    """Return whether a server is well, as whoever logs in sees it.

    Raises
    ------
    PipelineError
        If it is, but asks for another login.
    """
    try:
        health, version = (
            requests.get(f"{api}/{path}", headers=login_headers(), timeout=5)
            for path in ("health", "admin/version")  # Prefect tells its health to anybody
        )
    except requests.RequestException:
        return False
    if 401 in {health.status_code, version.status_code}:
        raise PipelineError(
            f"{api} asks for a login; set {LOGIN_VARIABLE} to USER:PASSWORD as it knows them"
        )
    return health.ok


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers.

    Parameters
    ----------
    url
        What it answers.
    process
        The server.
    log
        Its output.

    Raises
    ------
    PipelineError
        If it ends, or is not ready in time; the message names the log.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PipelineError(f"a server ended at its start; its log is {log}")
        with suppress(requests.RequestException):
            if requests.get(url, timeout=2).ok:
                return
        time.sleep(0.1)
    raise PipelineError(f"a server was not ready after {START_TIMEOUT_S} s; its log is {log}")


def stop_server(process: subprocess.Popen[bytes]) -> None:
    """End a child: ask by closing its pipe or by signal, insist after some seconds."""
    if process.stdin is not None:
        process.stdin.close()
    else:
        process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve_prefect(port: int, *, outlives_parent: bool = False) -> None:
    """Run the Prefect API in this process until standard input closes.

    Parameters
    ----------
    port
        Loopback port to listen on.
    outlives_parent
        End by a signal alone, whatever becomes of standard input.
    """
    import uvicorn  # only the server process pays for these imports
    from prefect.server.api.server import create_app

    from tasks.servers.database import waiting_database
    from tasks.servers.guard import guarded
    from tasks.servers.leases import grant_respite  # its import also has the server settle leases

    app = guarded(create_app(), port)
    server = uvicorn.Server(
        uvicorn.Config(app, host=HOST, port=port, log_level="warning", lifespan="on")
    )

    def stop_with_parent() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True
        time.sleep(3)
        os._exit(0)

    if not outlives_parent:
        threading.Thread(target=stop_with_parent, daemon=True).start()
    asyncio.run(grant_respite())
    with waiting_database():
        server.run()


if __name__ == "__main__":
    serve_prefect(int(sys.argv[1]), outlives_parent=OUTLIVES in sys.argv[2:])
