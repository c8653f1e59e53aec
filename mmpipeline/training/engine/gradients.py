"""The gradient of one step: of a batch at once or in pieces, of several, on several processes.

An objective in two halves goes in two passes when a batch is cut: all pieces are encoded without
gradients, the embeddings are compared and their gradients taken, then each piece is encoded again
and its gradients passed on. The result is the gradient of the whole batch, not an approximation:
every item has met every other. The price is one more forward pass; a process that has a single
piece keeps its graph and pays nothing.

Any other objective decomposes or does not, which only its author knows: the mean loss of
several batches is minimised, which equals one large batch for losses that are means over rows.

References
----------
Gao et al. 2021, Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, section 3.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from mmpipeline.config.train import FitConfig
from mmpipeline.errors import ConfigError
from mmpipeline.models.device import device_of
from mmpipeline.training.engine.objective import EmbeddingObjective, Metrics, Objective
from mmpipeline.training.engine.process_group import Processes

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class GradientStep(Generic[Batch]):
    """Computes the gradients of one step into the parameters' ``grad``.

    Attributes
    ----------
    module
        What is trained.
    objective
        What is minimised.
    config
        Numbers of batches and chunks, precision, seed.
    processes
        Who shares the work.
    """

    module: nn.Module
    objective: Objective[Batch]
    config: FitConfig
    processes: Processes

    def __post_init__(self) -> None:
        """Check that the work can be shared.

        Raises
        ------
        ConfigError
            If the objective is one function and the batches of a step cannot be dealt evenly.
        """
        if isinstance(self.objective, EmbeddingObjective):
            return
        if self.config.chunks_per_batch > 1:
            raise ConfigError(
                "chunks_per_batch cuts batches of an EmbeddingObjective only; use batches_per_step"
            )
        if self.config.batches_per_step % self.processes.world:
            raise ConfigError(
                f"{self.config.batches_per_step} batches a step cannot be dealt to "
                f"{self.processes.world} processes; make batches_per_step a multiple of it"
            )

    def compute(self, batches: Sequence[Batch], step: int) -> dict[str, float]:
        """Compute the gradient of the mean loss of some batches.

        Parameters
        ----------
        batches
            The same on all processes.
        step
            Its number, which seeds what is drawn in the forward passes.

        Returns
        -------
        dict
            ``loss`` and the objective's metrics, means over the batches.
        """
        if isinstance(self.objective, EmbeddingObjective):
            figures = [
                self._compare(self.objective, batch, step, number)
                for number, batch in enumerate(batches)
            ]
        else:
            rank, world = self.processes.rank, self.processes.world
            figures = [
                self._measure(batches[number], step, number, len(batches))
                for number in range(rank, len(batches), world)
            ]
        means = {name: sum(f[name] for f in figures) / len(batches) for name in figures[0]}
        return self._add_up(means)

    def _measure(self, batch: Batch, step: int, number: int, batches: int) -> dict[str, float]:
        seed_forward(self.config.seed, step, number)
        with self._autocast():
            loss, metrics = self.objective(self.module, batch)
        torch.autograd.backward(loss / batches)
        return _numbers(loss, metrics)

    def _compare(
        self, objective: EmbeddingObjective[Batch], batch: Batch, step: int, number: int
    ) -> dict[str, float]:
        world, chunks = self.processes.world, self.config.chunks_per_batch
        first = number * world * chunks
        if world * chunks == 1:
            vectors = self._encode(objective, batch, step, first)
            loss, metrics = objective.compare(self.module, vectors, batch)
            torch.autograd.backward(loss / self.config.batches_per_step)
            return _numbers(loss, metrics)
        parts = list(objective.split(batch, world * chunks))[self.processes.rank * chunks :][
            :chunks
        ]
        first += self.processes.rank * chunks
        encode: list[Callable[[], Tensor]] = [
            lambda part=part, piece=piece: self._encode(objective, part, step, piece)  # type: ignore[misc]
            for piece, part in enumerate(parts, start=first)
        ]
        kept = encode[0]() if chunks == 1 else None
        with torch.no_grad():
            mine = kept if kept is not None else torch.cat([one() for one in encode])
        gathered, place = self.processes.gather_rows(mine)
        gathered.requires_grad_()
        loss, metrics = objective.compare(self.module, gathered, batch)
        self._pass_back(loss, kept, encode, gathered, place)
        return {name: value / world for name, value in _numbers(loss, metrics).items()}

    def _pass_back(
        self,
        loss: Tensor,
        kept: Tensor | None,
        encode: Sequence[Callable[[], Tensor]],
        gathered: Tensor,
        place: slice,
    ) -> None:
        """Take the loss's gradients, then this process's share of the encoders'.

        What the comparison itself learns from is the same on every process: each counts a share.
        """
        shared = [p for p in self.module.parameters() if p.requires_grad]
        scale = 1 / self.config.batches_per_step
        gradients = torch.autograd.grad(loss * scale, [gathered, *shared], allow_unused=True)
        for parameter, gradient in zip(shared, gradients[1:], strict=True):
            if gradient is not None:
                share = gradient / self.processes.world
                parameter.grad = share if parameter.grad is None else parameter.grad + share
        mine = gradients[0][place]
        if kept is not None:
            torch.autograd.backward(kept, mine)
            return
        start = 0
        for one in encode:
            vectors = one()
            torch.autograd.backward(vectors, mine[start : start + len(vectors)])
            start += len(vectors)

    def _encode(
        self, objective: EmbeddingObjective[Batch], part: Batch, step: int, piece: int
    ) -> Tensor:
        seed_forward(self.config.seed, step, piece)
        with self._autocast():
            vectors = objective.encode(self.module, part)
        return vectors.float() if vectors.dtype is torch.bfloat16 else vectors

    def _add_up(self, means: dict[str, float]) -> dict[str, float]:
        if self.processes.world == 1:
            return means
        parameters = [p for p in self.module.parameters() if p.requires_grad]
        figures = parameters[0].new_tensor(list(means.values()))
        has_gradient = figures.new_tensor([float(p.grad is not None) for p in parameters])
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        self.processes.all_reduce([*gradients, has_gradient, figures])
        for parameter, gradient, count in zip(
            parameters, gradients, has_gradient.tolist(), strict=True
        ):
            parameter.grad = gradient if count else None  # as alone: the optimiser skips None
        return dict(zip(means, figures.tolist(), strict=True))

    def _autocast(self) -> AbstractContextManager[None]:
        if self.config.precision == "float32":
            return nullcontext()
        return torch.autocast(device_of(self.module).type, torch.bfloat16)


def seed_forward(seed: int, step: int, piece: int) -> None:
    """Seed torch for one forward pass, so that what is drawn in it follows from its place.

    A stopped training needs no stored generator to go on with the same dropout, and a piece that
    is encoded twice draws the same both times.

    Parameters
    ----------
    seed
        Of the training.
    step, piece
        Which step, and which forward pass of it.
    """
    state = np.random.SeedSequence([seed, step, piece]).generate_state(1, np.uint64)
    torch.manual_seed(int(state[0] >> np.uint64(1)))


def _numbers(loss: Tensor, metrics: Metrics) -> dict[str, float]:
    figures = {"loss": loss, **metrics}
    return {
        name: float(value.detach() if isinstance(value, Tensor) else value)
        for name, value in figures.items()
    }
