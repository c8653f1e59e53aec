"""Kill -9 at any moment: the training that goes on ends with the same bits."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.training.tiny_worker import train_alone

ROOT = Path(__file__).parents[2]


def start(kind: str, folder: Path, step_s: float = 0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.training.tiny_worker", kind, str(folder), str(step_s)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def kill_after(process: "subprocess.Popen[str]", steps: int, delay_s: float) -> None:
    """Kill a worker some milliseconds after it began a step: in a pass, or while it stores."""
    assert process.stdout is not None
    with process, process.stdout:
        for _ in range(steps):
            if not process.stdout.readline():
                break
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)


def result(folder: Path) -> dict[str, dict[str, object]]:
    return json.loads((folder / "result-0.json").read_text())


def run_to_the_end(kind: str, folder: Path) -> dict[str, object]:
    process = start(kind, folder)
    assert process.communicate()[0] is not None
    assert process.returncode == 0
    return result(folder)[""]


def test_killed_twice_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = json.loads(json.dumps(train_alone(tmp_path / "whole", 0)))
    chance = random.Random(7)
    for _ in range(2):
        kill_after(start("alone", tmp_path, 0.01), chance.randint(3, 12), chance.random() * 0.02)
        assert not (tmp_path / "result-0.json").exists()
    steps = sorted(int(path.name[5:]) for path in (tmp_path / "kept").glob("step-*"))
    assert 3 < steps[-1] < 40
    assert run_to_the_end("alone", tmp_path) == whole


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_killed_at_thirty_moments_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = json.loads(json.dumps(train_alone(tmp_path / "whole", 0)))
    chance = random.Random(8)
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        for _ in range(3):
            kill_after(start("alone", folder, 0.01), chance.randint(1, 12), chance.random() * 0.03)
        assert run_to_the_end("alone", folder) == whole


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_the_fusion_model_killed_at_any_moment_has_the_same_bytes(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        places = {"features": str(world.features), "pairs": str(world.pairs)}
        (tmp_path / name / "world.json").write_text(json.dumps(places))
    whole = run_to_the_end("pairs", tmp_path / "whole")
    chance = random.Random(9)
    for _ in range(12):
        kill_after(start("pairs", tmp_path / "killed"), 1, chance.random() * 0.5)
    assert run_to_the_end("pairs", tmp_path / "killed") == whole
