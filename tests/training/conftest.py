"""A small world of features and pairs whose modalities share nothing but what can be learned.

Each dish has a hidden point, each recipe a point near its dish's; each modality shows the
recipe's point through a random projection of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from mmpipeline.config import FeatureConfig
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.schemas import MODALITIES
from mmpipeline.training.pairs.reader import PARTS
from tests.training.pair_files import write_copies, write_pairs

DISHES, RECIPES_PER_DISH, HIDDEN = 8, 15, 6


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more here than these small matrices."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    generator = np.random.default_rng(7)
    dish = np.repeat(np.arange(DISHES), RECIPES_PER_DISH)
    hidden = generator.normal(size=(DISHES, HIDDEN))[dish]
    hidden = hidden + 0.15 * generator.normal(size=hidden.shape)
    features = tmp_path_factory.mktemp("features")
    recipe_ids = [f"t:{number:04d}" for number in range(len(dish))]
    presence = np.ones((len(dish), 4), dtype=np.bool_)
    presence[::10, 0] = False
    presence[3::11, 2] = False
    write_features(features, recipe_ids, hidden, presence)
    split = ["val" if i % RECIPES_PER_DISH >= 11 else "train" for i in range(len(dish))]
    rows = make_pairs(recipe_ids, dish, split, presence[:, 0], generator)
    pairs = tmp_path_factory.mktemp("pairs")
    write_pairs(pairs, rows)
    write_copies(pairs, [])
    return SimpleNamespace(
        features=features, pairs=pairs, recipe_ids=recipe_ids, dish=dish, split=split
    )


def write_features(
    folder: Path, recipe_ids: list[str], hidden: np.ndarray, presence: np.ndarray
) -> None:
    generator = np.random.default_rng(8)
    encoders = EncoderSet.build(
        FeatureConfig(
            image_encoders=("descriptors",),
            text_encoders=("hashed-ngrams",),
            text_dim=32,
            image_size_px=32,
        )
    )
    encoders.write(folder)
    pq.write_table(pa.table({"recipe_id": recipe_ids}), folder / "ids.parquet")
    np.save(folder / "presence.npy", presence)
    for i, name in enumerate(MODALITIES):
        matrix = hidden @ generator.normal(size=(hidden.shape[1], encoders.dims[name]))
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        matrix[~presence[:, i]] = 0
        np.save(folder / f"{name}.npy", matrix.astype(np.float16))


def make_pairs(
    recipe_ids: list[str],
    dish: np.ndarray,
    split: list[str],
    has_image: np.ndarray,
    generator: np.random.Generator,
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for a in range(len(dish)):
        peers = [b for b in range(len(dish)) if split[b] == split[a] and b != a]
        siblings = [b for b in peers if dish[b] == dish[a]]
        others = [b for b in peers if dish[b] != dish[a]]
        b = int(generator.choice([b for b in others if has_image[b]]))
        pairs = [((a, a), (b, a), 0)]
        if has_image[a]:
            pairs += [((a, -1), (-1, a), 1), ((a, a), (a, int(generator.choice(others))), 0)]
        pairs += [((a, a), (b, b), 1) for b in generator.choice(siblings, 2, replace=False)]
        pairs += [((a, a), (b, b), 0) for b in generator.choice(others, 3, replace=False)]
        for left, right, label in pairs:
            row: dict[str, Any] = {"label": label, "split": split[a]}
            for part, number in zip(PARTS, (*left, *right), strict=True):
                shown = number >= 0 and (part.endswith("text") or has_image[number])
                row[part] = recipe_ids[number] if shown else None
                row[f"{part}_dish"] = f"dish-{dish[number]}" if shown else None
            rows.append(row)
    return rows
