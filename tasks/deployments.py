"""`make deploy` and `make worker`: the deployments of prefect.yaml on a server that runs.

Deploying twice changes nothing: deployments are found by name, schedules by their slug, and the
work pool is made only when it is missing. The worker runs flows as processes of this machine,
with the environment it was started in.
"""

import os
import subprocess
import sys
from pathlib import Path

from mmpipeline.config import load_settings
from mmpipeline.errors import PipelineError
from mmpipeline.storage import DataLayout
from tasks.servers import find_server, quiet_environment

POOL = "local"
ROOT = Path(__file__).parents[1]
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


def deploy(environment: dict[str, str]) -> None:
    """Make the work pool if it is missing, and deploy everything that prefect.yaml declares.

    Parameters
    ----------
    environment
        From `server_environment`.

    Raises
    ------
    PipelineError
        If the server refuses; with what Prefect says.
    """
    if _prefect(environment, "work-pool", "inspect", POOL).returncode != 0:
        _require(_prefect(environment, "work-pool", "create", POOL, "--type", "process"))
    print("Deploying what prefect.yaml names; it takes a minute.", flush=True)
    _require(_prefect(environment, "--no-prompt", "deploy", "--all"))
    print(_prefect(environment, "deployment", "ls").stdout)
    address = environment["PREFECT_API_URL"]
    print(f"Deployed to {address}. Next:  make worker")
    print(f"To use the prefect command:  export PREFECT_API_URL={address}")


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
        raise PipelineError(f"Prefect refused: {(done.stderr or done.stdout).strip()[-500:]}")


def main(arguments: list[str]) -> int:
    """Deploy, or work.

    Parameters
    ----------
    arguments
        Empty to deploy; ``worker`` to work.

    Returns
    -------
    int
        Exit status.
    """
    try:
        environment = server_environment()
        if arguments == ["worker"]:
            work(environment)
        deploy(environment)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
