"""The private Prefect server of a local run, and `make ui`.

A run without a server of its own would start Prefect's temporary one, which prints tracebacks
when it shuts down. So a local run starts a server itself: on a free loopback port, its output in
a log file, its database in `data/state/prefect`. The server watches a pipe to its parent and
ends when that closes, so that not even a killed run leaves one behind.

Costs some seconds at the start of a run (14 on an empty database); a server that is already
running (`PREFECT_API_URL`, or `make ui`) is used instead.
"""

import json
import os
import signal
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

from mmpipeline.config import EnvironmentSettings, load_settings
from mmpipeline.errors import BusyError, PipelineError, describe_os_error
from mmpipeline.storage import DataLayout, write_json_atomic

HOST = "127.0.0.1"
START_TIMEOUT_S = 120


def quiet_environment(data_root: Path) -> dict[str, str]:
    """Return the variables that keep Prefect, MLflow and torch at home and quiet.

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
        "PREFECT_LOGGING_EXTRA_LOGGERS": "mmpipeline",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "true",
        "OMP_WAIT_POLICY": "PASSIVE",  # spinning torch threads take the cores from everyone else
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": tracking_uri(layout),
    }


def embedded_store(layout: DataLayout) -> str:
    """Return the address of the MLflow store below the data folder."""
    return f"sqlite:///{layout.state / 'mlflow.db'}"


def tracking_uri(layout: DataLayout) -> str:
    """Return the address that runs are logged to: the embedded store, or a server's."""
    return load_settings().mlflow_uri or embedded_store(layout)


@contextmanager
def prefect_server(data_root: Path) -> Iterator[str]:
    """Run a Prefect server for the length of a block, or find one that runs already.

    Parameters
    ----------
    data_root
        The data folder.

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
        process = _start_server(layout, port, output)
        try:
            _wait_until_ready(f"http://{HOST}:{port}/api/health", process, log)
            yield f"http://{HOST}:{port}/api"
        finally:
            _stop(process)


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
        If the one that is named does not answer.
    """
    named = os.environ.get("PREFECT_API_URL")
    if named and not _answers(named):
        raise PipelineError(
            f"PREFECT_API_URL={named} does not answer; start that server or unset the variable"
        )
    return named or _announced_server(layout)


def _start_server(layout: DataLayout, port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.servers", "prefect", str(port)],
        env={**os.environ, **quiet_environment(layout.root), "PREFECT_UI_ENABLED": "false"},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C is for the run; it then stops the server in order
    )


def _announced_server(layout: DataLayout) -> str | None:
    """Return the API URL that `make ui` left, if a server still answers there."""
    try:
        url = json.loads((layout.state / "ui.json").read_bytes())["prefect_api"]
    except (OSError, ValueError, KeyError):
        return None
    return str(url) if _answers(url) else None


def _answers(api: str) -> bool:
    try:
        return requests.get(f"{api}/health", timeout=5).ok
    except requests.RequestException:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PipelineError(f"a server ended at its start; its log is {log}")
        with suppress(requests.RequestException):
            if requests.get(url, timeout=2).ok:
                return
        time.sleep(0.1)
    raise PipelineError(f"a server was not ready after {START_TIMEOUT_S} s; its log is {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
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


def serve_prefect(port: int) -> None:
    """Run the Prefect API in this process until standard input closes.

    Parameters
    ----------
    port
        Loopback port to listen on.
    """
    import uvicorn  # only the server process pays for these imports
    from prefect.server.api.server import create_app

    server = uvicorn.Server(
        uvicorn.Config(create_app(), host=HOST, port=port, log_level="warning", lifespan="on")
    )

    def stop_with_parent() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True
        time.sleep(3)
        os._exit(0)

    threading.Thread(target=stop_with_parent, daemon=True).start()
    server.run()


def open_pages(settings: EnvironmentSettings) -> None:
    """Serve the Prefect and the MLflow page on what runs left behind, until interrupted.

    Parameters
    ----------
    settings
        Data folder and ports.

    Raises
    ------
    BusyError
        If one of the ports is taken.
    """
    layout = DataLayout.at(settings.data_root)
    for name, port in (("PREFECT", settings.prefect_port), ("MLFLOW", settings.mlflow_port)):
        _require_free(port, f"MMPIPELINE_{name}_PORT")
    environment = {**os.environ, **quiet_environment(layout.root)}
    environment["PREFECT_UI_API_URL"] = f"http://{HOST}:{settings.prefect_port}/api"
    logs = layout.state / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    pages = {
        "Prefect": (
            ["prefect", "server", "start", "--host", HOST, "--port", str(settings.prefect_port)],
            f"http://{HOST}:{settings.prefect_port}/api/health",
        ),
        "MLflow": (
            [
                *("mlflow", "server", "--host", HOST, "--port", str(settings.mlflow_port)),
                *("--backend-store-uri", embedded_store(layout), "--workers", "1"),
            ],
            f"http://{HOST}:{settings.mlflow_port}/health",
        ),
    }
    children: list[subprocess.Popen[bytes]] = []
    try:
        for name, (command, _) in pages.items():
            with (logs / f"{name.lower()}-ui.log").open("ab") as output:
                children.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command],
                        env=environment,
                        stdout=output,
                        stderr=output,
                        start_new_session=True,
                    )
                )
        for child, (name, (_, health)) in zip(children, pages.items(), strict=True):
            _wait_until_ready(health, child, logs / f"{name.lower()}-ui.log")
        write_json_atomic(
            layout.state / "ui.json",
            {"prefect_api": f"http://{HOST}:{settings.prefect_port}/api"},
        )
        print(f"Prefect  http://{HOST}:{settings.prefect_port}  flow runs and their tables")
        print(f"MLflow   http://{HOST}:{settings.mlflow_port}  training runs, side by side")
        print("Ctrl-C stops both.", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print()
    finally:
        (layout.state / "ui.json").unlink(missing_ok=True)
        for child in children:
            _stop(child)


def _require_free(port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BusyError(
                f"port {port} is in use; name a free one, as in: {variable}={port + 1} make ui"
            ) from error


def main(arguments: list[str]) -> int:
    """Run `make ui`, or one server for a parent process.

    Parameters
    ----------
    arguments
        Empty for the pages; ``prefect PORT`` for a server that ends with its parent.

    Returns
    -------
    int
        Exit status.
    """
    if arguments[:1] == ["prefect"]:
        serve_prefect(int(arguments[1]))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        open_pages(load_settings())
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {describe_os_error(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
