import fcntl
import json
import logging
from pathlib import Path

import pytest
import torch

from mmpipeline.errors import BusyError, CheckpointError
from mmpipeline.training.engine.checkpoints import Checkpoints, TrainingState
from tests.training.tiny_training import flip_bit

IDENTITY = {"config": "a", "data": "b"}
FILES = ("state.safetensors", "state.json", "manifest.json")


def state(step: int) -> TrainingState:
    tensors = {"module.weight": torch.full((3, 2), float(step)), "count": torch.tensor(step)}
    return TrainingState(step, IDENTITY, tensors, {"sums": {"loss": 0.1 * step}, "seen": step})


@pytest.fixture
def two(tmp_path: Path) -> Checkpoints:
    checkpoints = Checkpoints(tmp_path / "kept")
    for step in (5, 9):
        checkpoints.save(state(step))
    return checkpoints


def test_the_newest_state_comes_back_bit_for_bit(two: Checkpoints) -> None:
    found = two.load(IDENTITY)
    assert found is not None
    assert (found.step, found.identity, found.values) == (9, IDENTITY, state(9).values)
    assert found.tensors.keys() == state(9).tensors.keys()
    assert all(torch.equal(found.tensors[name], state(9).tensors[name]) for name in found.tensors)
    assert two.read(5).step == 5
    assert Checkpoints(two.folder.parent / "none").load(IDENTITY) is None


def test_only_the_last_few_stay(two: Checkpoints) -> None:
    two.save(state(12))
    assert sorted(path.name for path in two.folder.iterdir()) == [
        "step-0000000009",
        "step-0000000012",
    ]
    with pytest.raises(ValueError, match="at least one"):
        Checkpoints(two.folder, keep=0)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_a_flipped_bit_is_refused_and_the_previous_one_offered(
    two: Checkpoints, name: str, place: float
) -> None:
    path = two.folder / "step-0000000009" / name
    flip_bit(path, int(place * path.stat().st_size) if place > 0 else int(place))
    with pytest.raises(CheckpointError, match=r"the one of step 5 is before it: delete it to go"):
        two.load(IDENTITY)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [None, 0, 0.5, 0.99])
def test_a_cut_or_missing_file_is_refused_too(
    two: Checkpoints, name: str, share: float | None
) -> None:
    path = two.folder / "step-0000000009" / name
    content = path.read_bytes()
    path.unlink() if share is None else path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="step-0000000009"):
        two.load(IDENTITY)


def test_a_damaged_one_is_put_aside_when_that_is_wished(
    two: Checkpoints, caplog: pytest.LogCaptureFixture
) -> None:
    flip_bit(two.folder / "step-0000000009" / "state.safetensors", -1)
    lenient = Checkpoints(two.folder, skip_damaged=True)
    with caplog.at_level(logging.WARNING, logger="mmpipeline.run"):
        found = lenient.load(IDENTITY)
    assert found is not None
    assert found.step == 5
    assert "does not match its sha256; put aside, the one of step 5 is before it" in caplog.text
    assert (two.folder / "damaged-step-0000000009").is_dir()
    flip_bit(two.folder / "step-0000000005" / "state.json", 3)
    assert lenient.load(IDENTITY) is None


def test_another_identity_names_what_differs(two: Checkpoints) -> None:
    with pytest.raises(CheckpointError, match="made with another data; train with what it was"):
        two.load(IDENTITY | {"data": "c"})
    with pytest.raises(CheckpointError, match="another config and objective;"):
        two.load({"config": "c", "data": "b", "objective": "d"})


def test_what_was_not_finished_is_no_checkpoint_and_goes(two: Checkpoints) -> None:
    unfinished = two.folder / ".unfinished-step-0000000010-77"
    unfinished.mkdir()
    (unfinished / "state.json").write_text(json.dumps({}))
    found = two.load(IDENTITY)
    assert found is not None
    assert found.step == 9
    assert not unfinished.exists()


def test_a_failed_write_leaves_the_earlier_ones(two: Checkpoints) -> None:
    broken = TrainingState(11, IDENTITY, {}, {"no JSON": object()})
    with pytest.raises(TypeError):
        two.save(broken)
    assert {path.name for path in two.folder.iterdir()} == {"step-0000000005", "step-0000000009"}


def test_one_training_at_a_time(two: Checkpoints) -> None:
    with (two.folder / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with (
            pytest.raises(BusyError, match="another process trains with the checkpoints"),
            two.held(),
        ):
            pass
    with two.held():
        pass


def test_they_are_due_by_the_clock(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path, every_s=0).is_due
    assert not Checkpoints(tmp_path, every_s=1000).is_due
