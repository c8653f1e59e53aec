"""Runs of the real program: as processes, in folders of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL_WORLD = """
[sample]
recipes = 320
dishes = 20
photo_size_px = 64

[train]
epochs = 12
anchors_per_batch = 32
hidden_dim = 128
embedding_dim = 64

[features]
text_dim = 512

[promotion]
questions = 20
"""

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]


def environment(data_root: Path) -> dict[str, str]:
    """Return this process's environment with a data folder of its own."""
    return {**os.environ, "MMPIPELINE_DATA_ROOT": str(data_root)}


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text(SMALL_WORLD)
    return path


@pytest.fixture(scope="session")
def run_flows(small_config: Path) -> Run:
    """Run `python -m flows` on the small world, as `make run` does."""

    def run(data_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows", "--config", str(small_config), *arguments],
            env=environment(data_root),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=1500,  # a hang guard: a busy machine is not a hang
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def start_flows(small_config: Path) -> Start:
    """Start `python -m flows` on the small world and return at once."""

    def start(data_root: Path, output: int, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flows", "--config", str(small_config), *arguments],
            env=environment(data_root),
            cwd=ROOT,
            stdout=output,
            stderr=output,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def run_cli() -> Run:
    """Run `mmpipeline` on a data folder."""

    def run(data_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from mmpipeline.cli import main; main()", *arguments],
            env=environment(data_root),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def finished(run_flows: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of one finished run on the small world; tests only read it."""
    data_root = tmp_path_factory.mktemp("finished") / "data"
    done = run_flows(data_root)
    assert done.returncode == 0, done.stdout + done.stderr
    (data_root / "first-run.txt").write_text(done.stdout + done.stderr)
    return data_root
