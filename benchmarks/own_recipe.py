"""Finding a recipe's text by its photo and back, several trainings pooled, beside ridge and CCA.

``python -m benchmarks.own_recipe --data-root DIR --json`` reads the newest catalogue and pair
tables below a data folder, such as ``make run SOURCE=folder`` leaves, encodes photos and texts
(``--images``, ``--texts``: encoders to join), and trains the default food model of ``[train]`` with
five seeds on the train split. The bag is the held-out recipes with photo and text.

A query's hits at 10 are averaged over the seeds, and the 95 % interval is over recipes. Beside it,
fitted on the same features of the train split alone: ridge regression from each side to the other,
and ridged CCA (Hardoon et al. 2004, equation 3.8). Both at the best of five strengths for the
held-out recipes. Where the catalogue has no test split, the model too has its epoch chosen by them.

What to expect: five trainings; a minute for some hundred recipes, without the encoding.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.train import TrainConfig
from mmpipeline.evaluation.metrics.recipe1m_protocol import rank_pairs
from mmpipeline.evaluation.metrics.retrieval import bootstrap_interval
from mmpipeline.evaluation.metrics.single_modality import solve_ridge
from mmpipeline.evaluation.suite.held_out import HeldOut, load_held_out
from mmpipeline.features.extract import extract_features
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.embed import embed_rows, mask_subset
from mmpipeline.models.weights import load_model
from mmpipeline.schemas import MODALITIES, Modality
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.training.engine.metric_logger import NullLogger
from mmpipeline.training.recipes.train import train_food_model

SEEDS = 5
K = 10
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
TEXT: tuple[Modality, ...] = MODALITIES[1:]
Pair = tuple[BoolArray, BoolArray]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    parser.add_argument("--images", nargs="+", help="encoders of photos; default: the config's")
    parser.add_argument("--texts", nargs="+", help="encoders of texts; default: the config's")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    given = {"image_encoders": arguments.images, "text_encoders": arguments.texts}
    config = FeatureConfig.model_validate({name: value for name, value in given.items() if value})
    figures: dict[str, float] = {}
    if (arguments.data_root / "processed" / "pairs").is_dir():
        figures = run(DataLayout.at(arguments.data_root), config)
    else:
        print(f"no pairs below {arguments.data_root}: `make run` makes some", file=sys.stderr)
    if not arguments.json:
        for name, figure in figures.items():
            print(f"{name:28} {figure}")
    print(json.dumps(figures))


def run(layout: DataLayout, config: FeatureConfig) -> dict[str, float]:
    """Encode, train and measure."""
    store = ArtifactStore(layout)
    catalog, pairs = store.latest("catalog").folder, store.latest("pairs").folder
    with tempfile.TemporaryDirectory(prefix="own-recipe-benchmark-") as folder:
        features = Path(folder) / "features"
        features.mkdir()
        extract_features(catalog, features, layout, config, cache=layout.feature_cache)
        feature_set = FeatureSet.open(features)
        held_out = load_held_out(catalog, feature_set)
        rows, train = bag_of(held_out), train_of(held_out, feature_set)
        hits: list[Pair] = []
        for seed in range(SEEDS):
            model = Path(folder) / f"model-{seed}"
            model.mkdir()
            train_food_model(features, pairs, model, TrainConfig(seed=seed), NullLogger())
            hits.append(learned_hits(model, feature_set, held_out, rows))
            shares = (round(float(side.mean()), 3) for side in hits[-1])
            print(f"seed {seed}", *shares, file=sys.stderr, flush=True)
        image, text = standardised(feature_set, train)
        return summarise(hits, len(train)) | closed_forms(image, text, train, rows)


def bag_of(held_out: HeldOut) -> Int64Array:
    """Return the held-out recipes with photo and text, one a group of copies."""
    presence = held_out.presence
    rows = np.flatnonzero(held_out.is_bag & presence[:, 0] & presence[:, 1:].any(axis=1))
    return rows[np.unique(held_out.group[rows], return_index=True)[1]]


def train_of(held_out: HeldOut, features: FeatureSet) -> Int64Array:
    """Return the train recipes with photo and text."""
    presence = features.presence
    return np.flatnonzero(held_out.is_train & presence[:, 0] & presence[:, 1:].any(axis=1))


def learned_hits(model: Path, features: FeatureSet, held_out: HeldOut, rows: Int64Array) -> Pair:
    """Return which photos and which texts find their own other half among ten."""
    fusion_model, presence = load_model(model), held_out.presence[rows]
    sides = [
        embed_rows(fusion_model, features, rows, mask_subset(presence, subset))
        for subset in (("image",), TEXT)
    ]
    return hits_of(*sides)


def hits_of(image: Tensor, text: Tensor) -> Pair:
    """Return, for vectors of the same recipes, what each side finds among ten."""
    return rank_pairs(image, text) <= K, rank_pairs(text, image) <= K


def summarise(hits: list[Pair], trained: int) -> dict[str, float]:
    """Pool the seeds."""
    figures: dict[str, float] = {"train_recipes": trained, "held_out_recipes": len(hits[0][0])}
    for side, name in enumerate(("image_to_text", "text_to_image")):
        pooled = np.mean([pair[side] for pair in hits], axis=0)
        low, high = bootstrap_interval(pooled, lambda rows: rows.mean(axis=1), seed=0)
        figures[f"{name}_recall_at_10"] = round(float(pooled.mean()), 3)
        figures[f"{name}_low"], figures[f"{name}_high"] = round(low, 3), round(high, 3)
    return figures | {"chance": round(K / len(hits[0][0]), 3)}


def standardised(features: FeatureSet, train: Int64Array) -> tuple[Tensor, Tensor]:
    """Return photos and texts (parts side by side) of all recipes by the train recipes' scale."""
    parts: dict[str, Tensor] = {}
    for name in MODALITIES:
        values = torch.from_numpy(np.asarray(features.matrix(name)[:], dtype=np.float32)).double()
        deviation = values[train].std(dim=0)
        floor = 0.1 * float(deviation.square().mean().sqrt()) + 1e-9
        parts[name] = (values - values[train].mean(dim=0)) / deviation.clamp(min=floor)
    return parts["image"], torch.cat([parts[name] for name in TEXT], dim=1)


def closed_forms(
    image: Tensor, text: Tensor, train: Int64Array, rows: Int64Array
) -> dict[str, float]:
    """Measure ridge regression and CCA, each at its best strength."""
    best: dict[str, float] = {}
    for strength in STRENGTHS:
        found = {
            "ridge_image_to_text": predict(image, text, train, rows, strength)[0],
            "ridge_text_to_image": predict(text, image, train, rows, strength)[0],
        }
        found["cca_image_to_text"], found["cca_text_to_image"] = correlate(
            image, text, train, rows, strength
        )
        best = {name: max(best.get(name, 0.0), share) for name, share in found.items()}
    return {f"{name}_recall_at_10": round(share, 3) for name, share in best.items()}


def predict(
    source: Tensor, target: Tensor, train: Int64Array, rows: Int64Array, ridge: float
) -> tuple[float, float]:
    """Ridge regression from one side to the other: what each side finds among ten."""
    weights = solve_ridge(source[train], target[train], ridge)
    predicted = functional.normalize(source[rows] @ weights, dim=1)
    one, other = hits_of(predicted, functional.normalize(target[rows], dim=1))
    return float(one.mean()), float(other.mean())


def correlate(
    image: Tensor, text: Tensor, train: Int64Array, rows: Int64Array, ridge: float
) -> tuple[float, float]:
    """Canonical correlation analysis on kernels: what each side finds among ten."""
    sides, bases, whitened = (image, text), [], []
    for side in sides:
        gram = side[train] @ side[train].T
        values, vectors = torch.linalg.eigh(gram)
        values = values.clamp(min=1e-9 * float(values[-1]))
        scale = (values + ridge * values.mean()).rsqrt()
        bases.append(side[train].T @ (vectors * scale * values.rsqrt()))
        whitened.append(vectors * (values.sqrt() * scale))
    left, strength, right = torch.linalg.svd(whitened[0].T @ whitened[1])
    places = [
        functional.normalize(side[rows] @ (base @ turn * strength.sqrt()), dim=1)
        for side, base, turn in zip(sides, bases, (left, right.T), strict=True)
    ]
    one, other = hits_of(*places)
    return float(one.mean()), float(other.mean())


if __name__ == "__main__":
    main()
