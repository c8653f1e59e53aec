"""The batch source: anything that gives batches one after the other and knows where it stands.

What a batch holds follows from a seed and a place (a step, or an epoch and a number in it), never
from what was drawn before. So a state is a few numbers, a stopped training goes on with exactly
the batches that were left, and several processes draw the same batches without a word.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from mmpipeline.errors import StageError

Batch = TypeVar("Batch")
SHOWN_NAMES = 5


class BatchSource(Protocol[Batch]):
    """Gives batches without end, in an order that its seed fixes."""

    @property
    def digest(self) -> str:
        """What the data are: another digest, and a training does not go on with them."""

    def take(self) -> Batch:
        """Return the next batch."""

    def state_dict(self) -> dict[str, int]:
        """Return where the source stands, as plain numbers."""

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where another source of the same data stood."""

    def describe(self, batch: Batch, /) -> str:
        """Name what is in a batch, for messages."""


@dataclass(frozen=True, slots=True)
class TensorBatch:
    """Rows of tensors that lie in memory.

    Attributes
    ----------
    rows
        Shape (B,), int64: which rows.
    tensors
        By name, shape (B, ...): their values.
    """

    rows: Tensor
    tensors: dict[str, Tensor]

    def split(self, parts: int) -> list["TensorBatch"]:
        """Cut the batch into parts of sizes that differ by one at most.

        Parameters
        ----------
        parts
            How many.

        Returns
        -------
        list of TensorBatch
            In order; together the batch.
        """
        cut = {name: tensor.tensor_split(parts) for name, tensor in self.tensors.items()}
        return [
            TensorBatch(rows, {name: pieces[number] for name, pieces in cut.items()})
            for number, rows in enumerate(self.rows.tensor_split(parts))
        ]


class TensorSource:
    """Batches of rows of tensors in memory: each row once an epoch, in another order each epoch.

    Parameters
    ----------
    tensors
        By name, shape (N, ...), all of one length.
    rows_per_batch
        Rows in a batch; the last of an epoch goes without when it would be smaller.
    seed
        Of the orders.
    names
        Length N, what to call a row in messages; None takes its number.

    Raises
    ------
    StageError
        If the lengths differ, or there are fewer rows than one batch takes.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        rows_per_batch: int,
        seed: int,
        names: Sequence[str] | None = None,
    ) -> None:
        lengths = {name: len(tensor) for name, tensor in tensors.items()}
        if len(set(lengths.values())) != 1:
            raise StageError(f"tensors of one length are needed; found {lengths}")
        (self._rows,) = set(lengths.values())
        if self._rows < rows_per_batch:
            raise StageError(f"{self._rows} rows make no batch of {rows_per_batch}; take fewer")
        self._tensors = dict(tensors)
        self._rows_per_batch = rows_per_batch
        self._seed = seed
        self._names = names
        self._taken = 0
        self._order: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return self._rows // self._rows_per_batch

    @property
    def digest(self) -> str:
        """Of all values, the size of a batch and the seed."""
        digest = hashlib.sha256(f"{self._rows_per_batch} {self._seed}".encode())
        for name, tensor in sorted(self._tensors.items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]

    def take(self) -> TensorBatch:
        """Return the next batch.

        Returns
        -------
        TensorBatch
            Of `rows_per_batch` rows.
        """
        epoch, number = divmod(self._taken, len(self))
        if self._order is None or self._order[0] != epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._rows)
            self._order = (epoch, torch.from_numpy(order))
        start = number * self._rows_per_batch
        rows = self._order[1][start : start + self._rows_per_batch]
        self._taken += 1
        return TensorBatch(
            rows, {name: tensor.index_select(0, rows) for name, tensor in self._tensors.items()}
        )

    def state_dict(self) -> dict[str, int]:
        """Return how many batches were taken."""
        return {"taken": self._taken}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on after as many batches as another source of the same data gave."""
        self._taken = state["taken"]

    def describe(self, batch: TensorBatch) -> str:
        """Name the first rows of a batch."""
        names = self._names
        rows = batch.rows.tolist()
        return name_some("rows", [str(row) if names is None else names[row] for row in rows])


class GeneratedSource(Generic[Batch]):
    """Batches that are made as they are needed, such as episodes of virtual classes.

    Parameters
    ----------
    make
        Makes a batch from a generator of its own and nothing else that changes.
    seed
        With the batch's number it seeds the generator.
    digest
        Of what `make` works from: another one, and a stopped training does not go on.
    """

    def __init__(
        self, make: Callable[[np.random.Generator], Batch], seed: int, digest: str
    ) -> None:
        self._make = make
        self._seed = seed
        self._taken = 0
        self._digest = digest

    @property
    def digest(self) -> str:
        """What was given, with the seed."""
        return f"{self._digest}-{self._seed}"

    def take(self) -> Batch:
        """Return the next batch."""
        generator = np.random.default_rng([self._seed, self._taken])
        self._taken += 1
        return self._make(generator)

    def state_dict(self) -> dict[str, int]:
        """Return how many batches were taken."""
        return {"taken": self._taken}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on after as many batches as another source of the same kind gave."""
        self._taken = state["taken"]

    def describe(self, batch: Batch) -> str:
        """Name the batch by its number, which makes it again."""
        return f"generated batch {self._taken}"


def name_some(what: str, names: Sequence[str]) -> str:
    """Return ``22 recipes (a, b, ...)``.

    Parameters
    ----------
    what
        What they are, in the plural.
    names
        Their names.

    Returns
    -------
    str
        The number, and the first five names.
    """
    more = ", ..." if len(names) > SHOWN_NAMES else ""
    return f"{len(names)} {what} ({', '.join(names[:SHOWN_NAMES])}{more})"
