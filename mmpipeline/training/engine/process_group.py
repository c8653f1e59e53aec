"""The processes that train together: who this one is, and the three things they say to each other.

Started by torchrun, they meet over gloo, or over nccl where each computes on a GPU of its own.
Alone, everything here does nothing.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

from mmpipeline.models.device import CPU

PATIENCE = timedelta(minutes=10)  # what a process waits for another before it gives up


@dataclass(frozen=True, slots=True)
class Processes:
    """The group that this process is one of.

    Attributes
    ----------
    rank
        Which one, from 0; the first writes and reports.
    world
        How many.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def current(cls) -> "Processes":
        """Return the group that was joined; a group of one when none was."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def is_main(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def gather_rows(self, rows: Tensor) -> tuple[Tensor, slice]:
        """Put the rows of all processes after one another.

        Parameters
        ----------
        rows
            Shape (B, E), this process's; B may differ between processes.

        Returns
        -------
        gathered : Tensor
            Shape (sum of B, E), by rank, without gradients.
        mine : slice
            Where this process's rows are.
        """
        rows = rows.detach()
        if self.world == 1:
            return rows, slice(0, len(rows))
        sizes = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(self.world)]
        distributed.all_gather(sizes, torch.tensor([len(rows)], device=rows.device))
        lengths = [int(size) for size in sizes]
        padded = rows.new_zeros((max(lengths), *rows.shape[1:]))
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in lengths]
        distributed.all_gather(parts, padded)
        start = sum(lengths[: self.rank])
        gathered = torch.cat([part[:size] for part, size in zip(parts, lengths, strict=True)])
        return gathered, slice(start, start + len(rows))

    def all_reduce(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over the processes, in one message.

        Parameters
        ----------
        tensors
            Any shapes, the same on all processes, of one type.
        """
        if self.world == 1 or not tensors:
            return
        message = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(message)
        sizes = [tensor.numel() for tensor in tensors]
        for tensor, summed in zip(tensors, torch.split(message, sizes), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def broadcast(self, value: float) -> float:
        """Return the first process's number, so that all decide alike."""
        if self.world == 1:
            return value
        message = torch.tensor([value], dtype=torch.float64)
        if distributed.get_backend() == "nccl":
            message = message.cuda()
        distributed.broadcast(message, src=0)
        return float(message)


def choose_backend(device: torch.device) -> str:
    """Return how tensors of a device travel: ``nccl`` between GPUs, else ``gloo``."""
    return "nccl" if device.type == "cuda" else "gloo"


@contextmanager
def joined_processes(device: torch.device = CPU) -> Iterator[Processes]:
    """Join the processes that torchrun started, and leave them at the end.

    Without torchrun (no ``WORLD_SIZE`` in the environment) this process stays alone.

    Parameters
    ----------
    device
        Where this process computes, which decides how tensors travel.

    Yields
    ------
    Processes
        The group.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group(choose_backend(device), timeout=PATIENCE)
    try:
        yield Processes.current()
    finally:
        distributed.destroy_process_group()
