"""A tiny world: three dishes of eight recipes with drawn photos, made into a published index."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, ImageDraw

from mmpipeline.config import FeatureConfig, IndexConfig
from mmpipeline.features import FeatureSet, extract_features
from mmpipeline.models import FusionModel, save_model
from mmpipeline.schemas import CATALOG_SCHEMA, Ingredient, Recipe, RecipeImage
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.publish.version import build_index, promote
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout

FEATURES = FeatureConfig(
    image_encoders=("descriptors",),
    text_encoders=("hashed-ngrams",),
    text_dim=128,
    image_size_px=48,
)
DISHES = {
    "bibimbap": ("비빔밥", "green", ["고추장", "시금치", "당근"]),
    "kimchi-jjigae": ("김치찌개", "red", ["김치", "두부", "돼지고기"]),
    "naengmyeon": ("냉면", "grey", ["메밀면", "오이", "배"]),
}
RECIPES_PER_DISH = 8
UNKNOWN_DISH = "naengmyeon"


def draw_photo(colour: str, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    photo = Image.fromarray(random.integers(0, 40, (48, 64, 3), dtype=np.uint8))
    left = int(random.integers(4, 12))
    ImageDraw.Draw(photo).ellipse((left, 6, 50, 42), fill=colour)
    return photo


def make_recipe(dish: str, number: int, layout: DataLayout) -> Recipe:
    name, colour, ingredients = DISHES[dish]
    identity = hashlib.sha256(f"{dish}{number}".encode()).hexdigest()[:10]
    photo = layout.root / "raw" / f"{identity}.png"
    draw_photo(colour, number).save(photo)
    return Recipe(
        recipe_id=f"r1m:{identity}",
        source="r1m",
        language="ko",
        title=f"{name} {number}",
        ingredients=tuple(Ingredient(text=f"{item} 1개", name=item) for item in ingredients),
        instructions=(f"{ingredients[0]}을 볶는다.", "담는다."),
        images=(RecipeImage(id="p", path=layout.relative(photo)),),
        url=f"https://example.org/{identity}",
        author="Kim",
    )


def write_catalog(folder: Path, layout: DataLayout, held_out: str = "test") -> None:
    """24 labelled recipes, the first two of each dish held out, and one with nothing in it."""
    folder.mkdir(parents=True)
    rows = []
    for dish in DISHES:
        for number in range(RECIPES_PER_DISH):
            labels = {
                "dish": dish,
                "dish_set": "unknown" if dish == UNKNOWN_DISH else "known",
                "split": held_out if number < 2 or dish == UNKNOWN_DISH else "train",
            }
            rows.append(make_recipe(dish, number, layout).to_row() | labels)
    rows.append(
        Recipe(recipe_id="r1m:0", source="r1m", language="other").to_row() | {"split": "train"}
    )
    rows.sort(key=lambda row: row["recipe_id"])
    for row in rows:
        row |= {"group_id": row["recipe_id"], "content_hash": "0"}
    recipes = pa.Table.from_pylist(rows, schema=CATALOG_SCHEMA)
    pq.write_table(recipes, folder / "recipes.parquet", write_page_checksum=True)
    dishes = [
        {"dish": dish, "name_ko": name, "name_en": dish.title(), "recipes": 8}
        | {"dish_set": "unknown" if dish == UNKNOWN_DISH else "known"}
        for dish, (name, _, _) in DISHES.items()
    ]
    table = pa.Table.from_pylist(dishes)
    pq.write_table(table, folder / "dishes.parquet", write_page_checksum=True)


def publish_version(world: Path, name: str) -> str:
    layout = DataLayout.at(world / "data")
    key = ArtifactKey("index", {"model": name}, {}, "s")
    parts = (world / "model", world / "features", world / "catalog")
    with ArtifactStore(layout).create(key) as draft:
        draft.counts = build_index(*parts, draft.folder, IndexConfig())
    promote(layout, key.id)
    return key.id


def make_world(root: Path) -> Path:
    """Make `data`, `catalog`, `features`, `model` and a published index below a folder.

    `asking` is the catalogue with its held-out recipes on the side val, which exams are drawn from.
    """
    layout = DataLayout.at(root / "data")
    for folder in ("data/raw", "features", "model"):
        (root / folder).mkdir(parents=True)
    write_catalog(root / "catalog", layout)
    write_catalog(root / "asking", layout, held_out="val")
    extract_features(root / "catalog", root / "features", layout, FEATURES)
    torch.manual_seed(5)  # random weights: near inputs still get near vectors
    dims = FeatureSet.open(root / "features").dims
    save_model(FusionModel(dims, 32, 16), root / "model")
    publish_version(root, "first")
    return root


@pytest.fixture(scope="session")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make_world` makes; to be read only."""
    torch.set_num_threads(1)
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def index(first_world: Path) -> SearchIndex:
    """The published index, opened."""
    return SearchIndex.open(DataLayout.at(first_world / "data"))


def ids_of(index: SearchIndex, dish: str) -> list[str]:
    """Ids of a dish's recipes, in the order of their rows."""
    columns = index.columns_at(index.rows, ("recipe_id", "dish"))
    return [
        name for name, of in zip(columns["recipe_id"], columns["dish"], strict=True) if of == dish
    ]


@pytest.fixture
def world(first_world: Path, tmp_path: Path) -> Path:
    """A copy of the world that a test may damage."""
    return shutil.copytree(first_world, tmp_path / "world")


@pytest.fixture
def published(world: Path) -> DataLayout:
    """The copy's data folder."""
    return DataLayout.at(world / "data")


@pytest.fixture
def publish_another(world: Path) -> Callable[[], str]:
    """Return a function that publishes one more version in the copy."""
    return lambda: publish_version(world, "another")


@pytest.fixture
def layout(tmp_path: Path) -> DataLayout:
    """An empty data folder."""
    return DataLayout.at(tmp_path / "empty")
