"""Training moves all that it needs to a GPU: on a pretended one it gives the bytes of the CPU."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmpipeline.config import TrainConfig
from mmpipeline.training import NullLogger, train_food_model, train_model

ROOT = Path(__file__).parents[2]
SMALL = TrainConfig(
    epochs=2, anchors_per_batch=44, hidden_dim=16, embedding_dim=16, patience=4, dropout=0.1
)
CONFIGS = {
    "default": {},
    "pairs": {"batches": "pairs", "encoder": "deep", "fusion": "concatenation"},
    "pieces": {"chunks_per_batch": 2, "max_gradient_norm": 1.0, "fusion": "blocks"},
    "info_nce": {"loss": "info_nce", "fusion": "gated"},
    "prototypical": {"loss": "prototypical", "fusion": "attention", "batches_per_step": 2},
    "sigmoid_pairwise": {"loss": "sigmoid_pairwise", "fusion": "product_of_experts"},
    "cosine_pair": {"loss": "cosine_pair", "fusion": "fine_and_coarse_graph", "begin": "random"},
}


def choose(name: str) -> TrainConfig:
    return SMALL.model_copy(update=CONFIGS[name])


@pytest.fixture(scope="module")
def trained_there(world: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gpu")
    configs = {name: choose(name).model_dump(mode="json") for name in CONFIGS}
    work = {"features": str(world.features), "pairs": str(world.pairs), "configs": configs}
    (folder / "work.json").write_text(json.dumps(work))
    command = [sys.executable, "-m", "tests.training.pretended_gpu", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", CONFIGS)
def test_nothing_is_left_behind_and_the_weights_are_those_of_the_cpu(
    name: str, world: SimpleNamespace, trained_there: Path, tmp_path: Path
) -> None:
    config = choose(name)
    train = {"recipes": train_food_model, "pairs": train_model}[config.batches]
    train(world.features, world.pairs, tmp_path, config, NullLogger())
    assert int((trained_there / name / "operations").read_text()) > 1000
    for file in ("model.safetensors", "metrics.json"):
        here = (tmp_path / file).read_bytes()
        assert here == (trained_there / name / file).read_bytes()
        assert here == (trained_there / f"{name}-again" / file).read_bytes()
