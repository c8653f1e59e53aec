"""A training as a process of its own, to be killed or to be one of several.

``python -m tests.training.tiny_worker KIND FOLDER [STEP_S]`` writes the sha256 of the final
weights and the history to ``FOLDER/result-RANK.json``, and a line for each step.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from mmpipeline.config import FitConfig, TrainConfig
from mmpipeline.training import (
    Checkpoints,
    EmbeddingObjective,
    Hooks,
    NullLogger,
    TensorBatch,
    train_model,
)
from mmpipeline.training.engine.fit import fit
from mmpipeline.training.engine.objective import Metrics
from mmpipeline.training.engine.process_group import joined_processes
from tests.training.tiny_training import (
    CONFIG,
    CONTRAST,
    make_net,
    make_source,
    score,
    square_error,
    weights,
)

LONGER = CONFIG.model_copy(update={"rounds": 10})
TOGETHER = {
    "embedding": (CONTRAST, CONFIG.model_copy(update={"max_gradient_norm": 0.5})),
    "chunks": (CONTRAST, CONFIG.model_copy(update={"chunks_per_batch": 2})),
    "rows": (square_error, CONFIG.model_copy(update={"batches_per_step": 2})),
}
PAIRS = TrainConfig(
    epochs=6, anchors_per_batch=24, hidden_dim=32, embedding_dim=16, dropout=0.1, patience=3
)


def digest(tensors: dict[str, Tensor]) -> str:
    sha = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        sha.update(name.encode() + value.numpy().tobytes())
    return sha.hexdigest()


def train_alone(folder: Path, step_s: float) -> dict[str, object]:
    """Slowly, with a checkpoint after each step."""

    def compare(net: nn.Module, vectors: Tensor, batch: TensorBatch) -> tuple[Tensor, Metrics]:
        sys.stdout.write("step\n")
        sys.stdout.flush()
        time.sleep(step_s)
        return CONTRAST.compare(net, vectors, batch)

    objective = EmbeddingObjective(CONTRAST.encode, compare, CONTRAST.split)
    net = make_net()
    hooks = Hooks(checkpoints=Checkpoints(folder / "kept", every_s=0), selector=score)
    result = fit(net, make_source(), objective, LONGER, hooks)
    return {"sha256": digest(weights(net)), "history": result.history}


def train_together(kind: str, folder: Path) -> dict[str, object]:
    objective, config = TOGETHER[kind]
    net = make_net(dropout=0 if config.chunks_per_batch == 1 else 0.2)
    hooks = Hooks(checkpoints=Checkpoints(folder / f"kept-{kind}", every_s=0), selector=score)
    result = fit(net, make_source(), objective, FitConfig.model_validate(config), hooks)
    values = {name: value.tolist() for name, value in weights(net).items()}
    return {"sha256": digest(weights(net)), "weights": values, "history": result.history}


def train_pairs(folder: Path) -> dict[str, object]:
    sys.stdout.write("step\n")
    sys.stdout.flush()
    world = json.loads((folder / "world.json").read_text())
    features, pairs = Path(world["features"]), Path(world["pairs"])
    target = folder / "model"
    target.mkdir(exist_ok=True)
    checkpoints = Checkpoints(folder / "kept", every_s=0)
    train_model(features, pairs, target, PAIRS, NullLogger(), checkpoints)
    return {
        name: (target / name).read_bytes().hex() for name in ("model.safetensors", "metrics.json")
    }


def main(kind: str, folder: Path, step_s: float = 0) -> None:
    torch.set_num_threads(1)
    with joined_processes() as processes:
        if kind == "alone":
            result = {"": train_alone(folder, step_s)}
        elif kind == "pairs":
            result = {"": train_pairs(folder)}
        else:
            result = {name: train_together(name, folder) for name in TOGETHER}
        (folder / f"result-{processes.rank}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(float, sys.argv[3:]))
