"""The device of the stages that use a model, as `MMPIPELINE_DEVICE` says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mmpipeline.config.environment import load_settings

if TYPE_CHECKING:
    import torch


@contextmanager
def chosen_device() -> Iterator["torch.device"]:
    """Let models within a block compute where the environment wants them.

    Yields
    ------
    torch.device
        Which that is on this machine.

    Raises
    ------
    ConfigError
        If GPUs are wanted and there are too few.
    """
    from mmpipeline.models.device import choose_device, computing_on

    device = choose_device(load_settings().device)
    with computing_on(device):
        yield device
