"""The device that tensors are computed on: the processor, or a GPU.

The device is the machine's choice (`MMPIPELINE_DEVICE`), not the config's: no artifact's id
depends on it, as none depends on the number of processes. What is small or wants double precision
stays on the processor; what is stored is read from there.
"""

import contextvars
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mmpipeline.config.environment import DeviceName
from mmpipeline.errors import ConfigError

CPU = torch.device("cpu")
_device: contextvars.ContextVar[torch.device] = contextvars.ContextVar("device", default=CPU)


def choose_device(wish: DeviceName) -> torch.device:
    """Choose where this process computes; under torchrun, each process of a machine its own GPU.

    Parameters
    ----------
    wish
        ``auto`` takes GPUs if there is one for each process of this machine, else the processor.

    Returns
    -------
    torch.device
        ``cpu``, or ``cuda`` with a number.

    Raises
    ------
    ConfigError
        If GPUs are wanted and there are too few.
    """
    processes, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
    if wish == "cpu" or (wish == "auto" and gpus < processes):
        return CPU
    if gpus < processes:
        raise ConfigError(
            f"MMPIPELINE_DEVICE=cuda: {processes} processes of this machine need a GPU each, torch "
            f"{torch.__version__} sees {gpus}; install torch for CUDA, start fewer, or set it to "
            "auto"
        )
    # cuBLAS is deterministic with a workspace of fixed size, which it reads when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def computing_on(device: torch.device) -> Iterator[None]:
    """Let models within a block be trained, and used on many recipes, on a device.

    Parameters
    ----------
    device
        From `choose_device`.

    Yields
    ------
    None
    """
    token = _device.set(device)
    try:
        yield
    finally:
        _device.reset(token)


def compute_device() -> torch.device:
    """Return the device of the innermost `computing_on`; the CPU outside of any."""
    return _device.get()


def device_of(module: object) -> torch.device:
    """Return where a module's weights are; the processor for what is no module or has none."""
    weights = next(module.parameters(), None) if isinstance(module, nn.Module) else None
    return CPU if weights is None else weights.device


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Copy what lies in memory to where it is needed; nothing is copied from CPU to CPU.

    Parameters
    ----------
    values
        Any shape, on the CPU.
    device
        Where to. To a GPU the copy goes by pinned memory, and the caller does not wait for it.

    Returns
    -------
    Tensor
        The same values, shape and type.
    """
    if device.type == "cuda":
        values = values.pin_memory()
    return values.to(device, non_blocking=True)
