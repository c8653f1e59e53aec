"""`make deploy` and `make worker`: the deployments of prefect.yaml on a server that runs.

Deploying twice changes nothing, and deploying over what an operator switched leaves his switches
(`deploying`); the work pool is made only when it is missing. The worker runs flows as processes of
this machine, with the environment it was started in.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmpipeline.config.environment import load_settings
from mmpipeline.errors import PipelineError
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.run_lock import only_deployment
from tasks.servers.prefect import find_server, quiet_environment

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

POOL = "local"
ROOT = Path(__file__).parents[2]
PATIENCE_S = 600.0  # with another `make deploy`; one takes seconds
TABLE_COLUMNS = "120"  # what prefect cuts names to fit into, where there is no terminal


def server_environment() -> dict[str, str]:
    """Return the environment of commands that talk to the server that runs.

    Returns
    -------
    dict of str to str
        This process's own, with the server's address and what keeps libraries quiet.

    Raises
    ------
    PipelineError
        If no server answers.
    """
    layout = DataLayout.at(load_settings().data_root)
    api = find_server(layout)
    if api is None:
        raise PipelineError(
            "no Prefect server answers: start `make ui` in another terminal, or set PREFECT_API_URL"
        )
    return {**quiet_environment(layout.root), **os.environ, "PREFECT_API_URL": api}


def deploy(environment: dict[str, str], file: Path) -> None:
    """Make the work pool if it is missing, and put every deployment of a file on the server.

    Parameters
    ----------
    environment
        From `server_environment`.
    file
        A prefect.yaml.

    Raises
    ------
    PipelineError
        If a deployment could not be put there, once the others are; with what Prefect says.
    BusyError
        If another deployment from the same data folder does not end.
    """
    file = file.resolve()
    os.environ.update(environment)  # Prefect reads it when it is imported, so it is from here on
    with only_deployment(load_settings().data_root, PATIENCE_S):
        os.chdir(ROOT)  # entrypoints are relative
        refused = _put_all(file, environment)
    if refused:
        raise PipelineError("\n".join(refused))
    address = environment["PREFECT_API_URL"]
    print(f"Deployed to {address}. Next:  make worker")
    print(f"To use the prefect command:  export PREFECT_API_URL={address}")


def _put_all(file: Path, environment: dict[str, str]) -> list[str]:
    """Put every deployment of a file on the server; say what changed, return what was refused."""
    from prefect.client.orchestration import get_client

    from tasks.deployments.automations import KEPT
    from tasks.deployments.declared import Declared, declare, read_file
    from tasks.deployments.deploying import put, reason, strangers

    configs = read_file(file, ROOT)
    print(f"Deploying what {file.name} names.", flush=True)
    names = [f"{one['entrypoint'].rpartition(':')[2]}/{one['name']}" for one in configs]
    declared: dict[str, Declared] = {}
    refused, changes = [], 0
    with get_client(sync_client=True) as client:
        _make_pool(client, environment)
        for name, config in zip(names, configs, strict=True):
            told, before = 0, changes
            try:
                declared[name] = declare(config)
                for line in put(client, declared[name]):
                    print(f"  {name}: {line}", flush=True)
                    told += 1
                    changes += KEPT not in line.split()
            except Exception as error:  # noqa: BLE001  none may hide those after it
                how = "not" if changes == before else "only in part"
                refused.append(f"{how} deployed: {name} ({file.name}): {reason(error)}")
            else:
                if not told:
                    print(f"  {name}: as before")
        for name in strangers(client, list(declared.values()), set(names) - declared.keys()):
            print(f"  not in the file: {name}; to delete it: prefect deployment delete {name}")
    print(f"{len(configs) - len(refused)} of {len(configs)} deployed, {changes} changes.")
    if not changes and not refused:
        print("Nothing changed.")
    return refused


def _make_pool(client: "SyncPrefectClient", environment: dict[str, str]) -> None:
    from prefect.exceptions import ObjectNotFound

    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        _require(_prefect(environment, "work-pool", "create", POOL, "--type", "process"))


def work(environment: dict[str, str]) -> None:
    """Become a worker of the pool, until interrupted.

    Parameters
    ----------
    environment
        From `server_environment`.
    """
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    os.chdir(ROOT)
    os.execve(sys.executable, [*command, "--name", "mmpipeline"], environment)


def _prefect(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        env={**environment, "COLUMNS": TABLE_COLUMNS},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _require(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        raise PipelineError(f"Prefect refused:\n{done.stdout}{done.stderr}".rstrip())


def main(arguments: list[str]) -> int:
    """Deploy, or work.

    Parameters
    ----------
    arguments
        Empty to deploy, or with the file to deploy; ``worker`` to work.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="tasks.deployments")
    parser.add_argument("action", nargs="?", choices=["deploy", "worker"], default="deploy")
    parser.add_argument("--prefect-file", type=Path, default=ROOT / "prefect.yaml")
    options = parser.parse_args(arguments)
    try:
        environment = server_environment()
        if options.action == "worker":
            work(environment)
        deploy(environment, options.prefect_file)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
