"""The objective of a training.

Any function of module and batch will do. One that compares embeddings with each other is better
given in two halves, encode and compare: then a batch can be encoded in pieces, one after the
other to save memory or on several processes, and still each item meets all others, as if it had
been encoded at once. Numbers that are learned with the weights (a temperature, proxies) belong
into the module, where the optimiser and the checkpoints find them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from torch import Tensor, nn

Batch = TypeVar("Batch")
BatchIn = TypeVar("BatchIn", contravariant=True)
Metrics = Mapping[str, Tensor | float]


class Objective(Protocol[BatchIn]):
    """Returns the loss of a batch, and figures to report."""

    def __call__(self, module: nn.Module, batch: BatchIn, /) -> tuple[Tensor, Metrics]:
        """Measure the module on a batch.

        Parameters
        ----------
        module
            In training mode.
        batch
            From the source.

        Returns
        -------
        loss : Tensor
            Shape (), the mean over the batch.
        metrics : mapping
            By name; means over a round are reported.
        """


@dataclass(frozen=True, slots=True)
class EmbeddingObjective(Generic[Batch]):
    """An objective in two halves: embed each item by itself, then compare the embeddings.

    Attributes
    ----------
    encode
        From the module and a part of a batch, the embeddings of its items, shape (B, E).
    compare
        From the module, the embeddings of a whole batch and the batch: the loss, shape (), and
        figures to report.
    split
        Cuts a batch into a number of parts whose items, in order, are the batch's.
    """

    encode: Callable[[nn.Module, Batch], Tensor]
    compare: Callable[[nn.Module, Tensor, Batch], tuple[Tensor, Metrics]]
    split: Callable[[Batch, int], Sequence[Batch]]

    def __call__(self, module: nn.Module, batch: Batch, /) -> tuple[Tensor, Metrics]:
        """Measure the module on a batch that is encoded at once."""
        return self.compare(module, self.encode(module, batch), batch)
