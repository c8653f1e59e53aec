"""A small world: every modality shows a recipe's hidden point through its own projection.

Six dishes are known; two are unknown and lie in the test split alone. Half of the recipes are
Korean, half English.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from mmpipeline.config import FeatureConfig
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.models import FusionModel, save_model
from mmpipeline.schemas import MODALITIES

WORDS = ("kimchi", "tofu", "apple", "noodle", "egg", "beef", "rice", "mandu")
DISHES, RECIPES_PER_DISH, HIDDEN = 8, 10, 6


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more here than these small matrices."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    dish = np.repeat(np.arange(DISHES), RECIPES_PER_DISH)
    number = np.tile(np.arange(RECIPES_PER_DISH), DISHES)
    is_test = (number >= 7) | (dish >= 6)
    table = pa.table({
        "recipe_id": [f"t:{i:04d}" for i in range(len(dish))],
        "language": np.where(number % 2 == 0, "ko", "en"),
        "dish": pa.array([
            None if n == 9 else f"dish-{d}" for d, n in zip(dish, number, strict=True)
        ]),
        "title": [f"{WORDS[d]} by cook {i}" for i, d in enumerate(dish)],
        "ingredients": [[{"text": f"2 큰술 {WORDS[d]}"}] for d in dish],
        "instructions": [[f"Boil {WORDS[d]}.", None] for d in dish],
        "images": [[{"path": None}]] * len(dish),
        "dish_set": np.where(dish < 6, "known", "unknown"),
        "group_id": [f"g:{i:04d}" for i in range(len(dish))],
        "split": np.where(is_test, "test", np.where(number == 6, "val", "train")),
    })
    catalog = tmp_path_factory.mktemp("catalog")
    pq.write_table(table, catalog / "recipes.parquet")
    features = tmp_path_factory.mktemp("features")
    presence = np.ones((len(dish), 4), dtype=np.bool_)
    presence[::7, 0] = False
    write_features(features, table["recipe_id"].to_pylist(), dish, presence)
    model = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    dims = EncoderSet.open(features / "encoders.json").dims
    save_model(FusionModel(dict(dims), hidden_dim=16, embedding_dim=8), model)
    return SimpleNamespace(
        catalog=catalog, features=features, model=model, table=table, presence=presence
    )


def write_features(
    folder: Path, recipe_ids: list[str], dish: np.ndarray, presence: np.ndarray
) -> None:
    generator = np.random.default_rng(8)
    hidden = generator.normal(size=(DISHES, HIDDEN))[dish]
    hidden = hidden + 0.1 * generator.normal(size=hidden.shape)
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
        matrix = hidden @ generator.normal(size=(HIDDEN, encoders.dims[name]))
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        matrix[~presence[:, i]] = 0
        np.save(folder / f"{name}.npy", matrix.astype(np.float16))
