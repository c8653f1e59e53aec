"""Both servers on a real PostgreSQL: a whole run, and no word of a password anywhere."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from tests.flows.conftest import SMALL_WORLD

ROOT = Path(__file__).parents[2]
PASSWORD = "not-to-be-written-down"
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb"),
        reason="no PostgreSQL is installed here",
    ),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else str(shutil.which(name))


@contextmanager
def connected(port: int, database: str) -> Iterator[psycopg2.extensions.cursor]:
    with closing(
        psycopg2.connect(
            host="127.0.0.1", port=port, user="tester", password=PASSWORD, dbname=database
        )
    ) as connection:
        connection.autocommit = True
        yield connection.cursor()


def ask(port: int, database: str, question: str) -> object:
    with connected(port, database) as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    """Run a server on a loopback port, as somebody else when this is root; give its port."""
    who = {"user": "postgres"} if os.geteuid() == 0 else {}
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if who:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres")
        subprocess.run(
            [
                *(program("initdb"), "-D", str(folder / "data"), "-U", "tester", "-E", "UTF8"),
                *("--auth", "scram-sha-256", "--pwfile", str(folder / "password")),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **who,
        )
        server = subprocess.Popen(
            [
                *(program("postgres"), "-D", str(folder / "data"), "-p", str(port)),
                *("-h", "127.0.0.1", "-k", str(folder)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **who,
        )
        try:
            wait_for(port, server)
            for name in ("prefect", "mlflow"):
                with connected(port, "postgres") as cursor:
                    cursor.execute(f"CREATE DATABASE {name}")
            yield port
        finally:
            server.terminate()
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert server.poll() is None
        try:
            ask(port, "postgres", "SELECT 1")
        except psycopg2.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL did not start")


@contextmanager
def pages(environment: dict[str, str]) -> Iterator[None]:
    """Run `make ui` for the length of a block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks.pages"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Prefect  http://127.0.0.1:")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_whole_run_on_postgresql(postgres: int, tmp_path: Path) -> None:
    config, data_root = tmp_path / "small.toml", tmp_path / "data"
    config.write_text(SMALL_WORLD)
    login = f"tester:{PASSWORD}@127.0.0.1:{postgres}"
    mlflow_port = free_port()
    common = {**os.environ, "MMPIPELINE_DATA_ROOT": str(data_root)}
    servers = {
        "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{login}/prefect",
        "MLFLOW_BACKEND_STORE_URI": f"postgresql://{login}/mlflow",
        "MMPIPELINE_PREFECT_PORT": str(free_port()),
        "MMPIPELINE_MLFLOW_PORT": str(mlflow_port),
    }
    with pages({**common, **servers}):
        done = subprocess.run(
            [sys.executable, "-m", "flows", "--config", str(config)],
            cwd=ROOT,
            env={**common, "MMPIPELINE_MLFLOW_URI": f"http://127.0.0.1:{mlflow_port}"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "promoted" in done.stdout
    completed = "SELECT count(*) FROM flow_run WHERE state_type = 'COMPLETED'"
    assert ask(postgres, "prefect", completed) == 9  # the parent and its eight stages
    assert ask(postgres, "prefect", "SELECT count(*) FROM artifact") > 5
    assert ask(postgres, "mlflow", "SELECT count(*) FROM runs WHERE status = 'FINISHED'") == 1
    assert ask(postgres, "mlflow", "SELECT count(*) FROM metrics") > 20
    assert ask(postgres, "mlflow", "SELECT count(*) FROM registered_models") == 1
    assert not list(data_root.rglob("prefect.db"))
    assert not list(data_root.rglob("mlflow.db"))
    for path in data_root.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in done.stdout + done.stderr
