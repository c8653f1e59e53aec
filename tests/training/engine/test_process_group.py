"""Several processes over gloo, started by torchrun, equal one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmpipeline.training.engine.process_group import Processes, choose_backend, joined_processes
from tests.training.tiny_worker import TOGETHER, train_together

ROOT = Path(__file__).parents[3]
TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict]]:
    folder = tmp_path_factory.mktemp("two")
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "tests.training.tiny_worker", "together", str(folder)),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"result-{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("kind", TOGETHER)
def test_two_processes_train_as_one(
    two: list[dict[str, dict]], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective, config = TOGETHER[kind]
    if kind == "chunks":  # one process has to cut into as many pieces, to draw the same dropout
        alone = config.model_copy(update={"chunks_per_batch": 4})
        monkeypatch.setitem(TOGETHER, kind, (objective, alone))
    one = train_together(kind, tmp_path)
    first, second = (result[kind] for result in two)
    assert first["sha256"] == second["sha256"]
    for name, value in one["weights"].items():  # type: ignore[attr-defined]
        torch.testing.assert_close(
            torch.tensor(first["weights"][name]), torch.tensor(value), rtol=0, atol=TOLERANCE
        )
    for ours, theirs in zip(one["history"], first["history"], strict=True):  # type: ignore[call-overload]
        assert theirs == pytest.approx(ours, abs=1e-4)


def test_both_processes_tell_the_same_history(two: list[dict[str, dict]]) -> None:
    assert two[0]["rows"]["history"] == two[1]["rows"]["history"]


def test_alone_there_is_nobody_to_talk_to() -> None:
    with joined_processes() as group:
        assert group == Processes.current() == Processes(0, 1)
        assert group.is_main
        rows = torch.randn(3, 2, requires_grad=True)
        gathered, mine = group.gather_rows(rows)
        assert torch.equal(gathered[mine], rows)
        assert not gathered.requires_grad
        total = torch.ones(2)
        group.all_reduce([total])
        assert total.tolist() == [1, 1]
        assert group.broadcast(0.5) == 0.5
    assert not Processes(1, 2).is_main


def test_tensors_of_gpus_travel_over_nccl() -> None:
    assert choose_backend(torch.device("cuda", 1)) == "nccl"
    assert choose_backend(torch.device("cpu")) == "gloo"
