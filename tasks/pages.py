"""`make ui`: the pages of Prefect and MLflow on what runs left behind."""

import os
import signal
import socket
import subprocess
import sys

from mmpipeline.config.environment import EnvironmentSettings, load_settings
from mmpipeline.errors import BusyError, PipelineError, describe_os_error
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.locations import settle_locations
from tasks.servers.guard import guard_variables
from tasks.servers.mlflow import APP_NAME
from tasks.servers.prefect import (
    HOST,
    OUTLIVES,
    embedded_store,
    quiet_environment,
    stop_server,
    wait_until_ready,
)
from tasks.tracking.store import make_store

STORE_VARIABLE = "MLFLOW_BACKEND_STORE_URI"
"""Where MLflow's page reads; a variable, since everybody may read a command line's password."""

JOBS_VARIABLE = "MLFLOW_SERVER_ENABLE_JOB_EXECUTION"
"""Whether MLflow's server keeps some ten processes for jobs that nothing here gives it."""


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
    environment = page_environment(layout, settings)
    logs = layout.state / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    pages = {
        "Prefect": (
            ["tasks.servers.prefect", str(settings.prefect_port), OUTLIVES],
            f"http://{HOST}:{settings.prefect_port}/api/health",
        ),
        "MLflow": (
            [
                *("mlflow", "server", "--host", HOST, "--port", str(settings.mlflow_port)),
                *("--artifacts-destination", str(layout.state / "mlartifacts"), "--workers", "1"),
                *("--app-name", APP_NAME),
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
            wait_until_ready(health, child, logs / f"{name.lower()}-ui.log")
        write_json_atomic(
            layout.state / "ui.json",
            {
                "prefect_api": f"http://{HOST}:{settings.prefect_port}/api",
                "data_root": str(layout.root),
            },
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
            stop_server(child)


def page_environment(layout: DataLayout, settings: EnvironmentSettings) -> dict[str, str]:
    """Return the variables of both pages' servers; the embedded store is made if it is needed.

    Parameters
    ----------
    layout
        The data folder.
    settings
        Its ports.

    Returns
    -------
    dict of str to str
        With the ones of this process, which take precedence where they say how a page is run.
    """
    environment = {JOBS_VARIABLE: "false", **os.environ, **quiet_environment(layout.root)}
    if STORE_VARIABLE not in os.environ:
        make_store(layout)
        settle_locations(layout.root)
        environment[STORE_VARIABLE] = embedded_store(layout)
    environment["PREFECT_UI_API_URL"] = "/api"  # of whichever of its names the page was opened by
    environment["MMPIPELINE_MLFLOW_PORT"] = str(settings.mlflow_port)
    return guard_variables(settings) | environment


def _require_free(port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BusyError(
                f"port {port} is in use; name a free one, as in: {variable}={port + 1} make ui"
            ) from error


def main() -> int:
    """Serve the pages until interrupted; return the exit status."""
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
    sys.exit(main())
