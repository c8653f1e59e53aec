import pytest
import torch
from torch import nn

from mmpipeline.errors import ConfigError
from mmpipeline.models.device import (
    CPU,
    choose_device,
    compute_device,
    computing_on,
    device_of,
    to_device,
)


def pretend(monkeypatch: pytest.MonkeyPatch, gpus: int, processes: int, rank: int) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")  # what is set is left alone


@pytest.mark.parametrize(
    ("wish", "gpus", "processes", "rank", "chosen"),
    [
        ("auto", 0, 1, 0, CPU),
        ("auto", 1, 1, 0, torch.device("cuda", 0)),
        ("auto", 4, 4, 3, torch.device("cuda", 3)),
        ("auto", 1, 2, 1, CPU),
        ("cpu", 4, 1, 0, CPU),
        ("cuda", 2, 2, 1, torch.device("cuda", 1)),
    ],
)
def test_each_process_of_a_machine_takes_its_own_gpu(
    wish: str,
    gpus: int,
    processes: int,
    rank: int,
    chosen: torch.device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(monkeypatch, gpus, processes, rank)
    assert choose_device(wish) == chosen  # type: ignore[arg-type]


def test_gpus_that_are_wanted_and_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 1, 2, 0)
    with pytest.raises(ConfigError, match=r"2 processes .* need a GPU each, torch .* sees 1; "):
        choose_device("cuda")


def test_a_block_says_where_to_compute() -> None:
    elsewhere = torch.device("meta")
    with computing_on(elsewhere):
        assert compute_device() == elsewhere
        with computing_on(CPU):
            assert compute_device() == CPU
        assert compute_device() == elsewhere
    assert compute_device() == CPU


def test_a_module_is_where_its_weights_are() -> None:
    assert device_of(nn.Linear(2, 1).to("meta")) == torch.device("meta")
    assert device_of(nn.Identity()) == device_of(object()) == CPU


def test_what_stays_on_the_cpu_is_not_copied() -> None:
    values = torch.ones(3)
    assert to_device(values, CPU) is values
    assert to_device(values, torch.device("meta")).device.type == "meta"
