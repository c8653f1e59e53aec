"""Determinism of training on one machine: seeds, deterministic kernels."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from mmpipeline.models.device import compute_device


@contextmanager
def determinism(seed: int) -> Iterator[None]:
    """Hold torch to deterministic algorithms, with generators seeded; all is as before at the end.

    Parameters
    ----------
    seed
        Of torch's generator.

    Yields
    ------
    None
    """
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    device = compute_device()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        # Filling every new tensor finds faults of kernels, and costs a twentieth of a step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was_deterministic)
            torch.utils.deterministic.fill_uninitialized_memory = was_filled  # type: ignore[attr-defined]


def digest_values(values: Any) -> str:  # noqa: ANN401 -- whatever JSON can hold
    """Return 16 hex digits that tell plain values apart.

    Parameters
    ----------
    values
        Anything that JSON can hold.

    Returns
    -------
    str
        The start of the sha256 of its JSON.
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
