"""The seed experiment as one command, small, and once more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]


def run(data_root: Path, target: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "flows", "run_seed_experiment", "--quick", "--copy-to", target],
        env={**os.environ, "MMPIPELINE_DATA_ROOT": str(data_root)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=800,  # a busy machine is not a hang
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_command_makes_the_report_and_then_finds_it(tmp_path: Path) -> None:
    lines = run(tmp_path / "data", tmp_path / "one")
    assert "seed_report" in lines
    page = (tmp_path / "one" / "seed-experiment.md").read_text()
    for words in ("talk COS", "bayes bound", "## Strangers", "## Maps of the queries"):
        assert words in page
    again = run(tmp_path / "data", tmp_path / "two")
    assert again.count("is up to date") == lines.count("data/experiment")
    assert (tmp_path / "two" / "seed-experiment.md").read_text() == page
