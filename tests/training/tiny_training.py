"""A small training that tests run in this process and in others: rows of three classes."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mmpipeline.config import FitConfig
from mmpipeline.losses import LearnedTemperature, supervised_contrastive_loss
from mmpipeline.training import EmbeddingObjective, TensorBatch, TensorSource
from mmpipeline.training.engine.objective import Metrics

ROWS, WIDTH, CLASSES, BATCH = 96, 6, 3, 24
CONFIG = FitConfig(rounds=5, steps_per_round=4, learning_rate=0.01, warmup_fraction=0.2, seed=3)


class TinyNet(nn.Module):
    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(WIDTH, 16), nn.LayerNorm(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 4)
        )
        self.temperature = LearnedTemperature(0.2)

    def forward(self, rows: Tensor) -> Tensor:
        return self.layers(rows)


def make_net(dropout: float = 0.2) -> TinyNet:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return TinyNet(dropout)


def make_source(seed: int = 5) -> TensorSource:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(ROWS) % CLASSES
    centres = torch.randn(CLASSES, WIDTH, generator=generator)
    rows = centres[labels] + torch.randn(ROWS, WIDTH, generator=generator)
    return TensorSource({"rows": rows, "label": labels}, BATCH, seed)


def contrast(net: nn.Module, vectors: Tensor, batch: TensorBatch) -> tuple[Tensor, Metrics]:
    assert isinstance(net, TinyNet)
    itself = torch.eye(len(vectors), dtype=torch.bool)
    same = batch.tensors["label"][:, None] == batch.tensors["label"]
    loss = supervised_contrastive_loss(vectors, vectors, same & ~itself, itself, net.temperature())
    return loss, {"temperature": net.temperature()}


CONTRAST = EmbeddingObjective(
    lambda net, batch: net(batch.tensors["rows"]), contrast, TensorBatch.split
)


def square_error(net: nn.Module, batch: TensorBatch) -> tuple[Tensor, Metrics]:
    """Decomposes into rows."""
    target = nn.functional.one_hot(batch.tensors["label"], 4)
    return (net(batch.tensors["rows"]) - target).square().mean(), {}


def score(net: nn.Module) -> Mapping[str, float]:
    rows = make_source(6).take().tensors["rows"]
    return {"val_score": float(net(rows).std())}


def weights(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def is_same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def gap(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def flip_bit(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
