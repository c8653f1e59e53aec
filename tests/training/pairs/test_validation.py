from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel
from mmpipeline.training.pairs.table import PairTable
from mmpipeline.training.pairs.validation import Validator, measure_baselines


def make_validator(world: SimpleNamespace, split: str) -> tuple[Validator, FusionModel]:
    features = FeatureSet.open(world.features)
    torch.manual_seed(0)
    model = FusionModel(dict(features.dims), hidden_dim=16, embedding_dim=8)
    return Validator(features, PairTable.open(world.pairs, features, split), 0), model


def test_scores_dishes_and_recipes(world: SimpleNamespace) -> None:
    validator, model = make_validator(world, "val")
    figures = validator.score(model)
    dishes = [v for k, v in figures.items() if k.startswith("val_mrr_dish_")]
    recipes = [v for k, v in figures.items() if k.startswith("val_mrr_recipe_")]
    assert (len(dishes), len(recipes)) == (5, 2)
    assert all(0 < value <= 1 for value in figures.values())
    assert figures["val_score"] == pytest.approx((np.mean(dishes) + np.mean(recipes)) / 2)


def test_a_constant_model_scores_no_better_than_last_place(world: SimpleNamespace) -> None:
    validator, model = make_validator(world, "val")
    last = model.fusion.layers[-1]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
    assert validator.score(model)["val_mrr_recipe_image_to_text"] < 0.05


def test_nothing_to_validate_on_gives_no_score(world: SimpleNamespace) -> None:
    validator, model = make_validator(world, "test")
    assert validator.score(model) == {}


def test_dishes_that_training_does_not_see_are_measured_by_themselves(
    world: SimpleNamespace,
) -> None:
    features = FeatureSet.open(world.features)
    table = PairTable.open(world.pairs, features, "val")
    model = make_validator(world, "val")[1]
    seen = frozenset(table.summary.names[:-2])
    figures = Validator(features, table, 0, trained=seen).score(model)
    kinds = [
        np.mean([v for k, v in figures.items() if k.startswith(f"val_mrr_{kind}_")])
        for kind in ("dish", "new_dish", "recipe")
    ]
    assert figures["val_score"] == pytest.approx(np.mean(kinds))
    everything = Validator(features, table, 0, trained=frozenset(table.summary.names))
    assert not any(name.startswith("val_mrr_new") for name in everything.score(model))


def test_chance_is_what_random_orders_score(world: SimpleNamespace) -> None:
    validator, model = make_validator(world, "val")
    chance = validator.chance()
    assert chance.keys() == validator.score(model).keys()

    class Shuffled:
        embedding_dim = 4

        def embed(self, inputs: dict[str, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.normalize(torch.randn(len(mask), 4), dim=1)

    drawn = [validator.score(Shuffled())["val_score"] for _ in range(60)]
    error = np.std(drawn) / np.sqrt(len(drawn))
    assert chance["val_score"] == pytest.approx(np.mean(drawn), abs=4 * error)


def test_raw_features_score_as_the_evaluation_ranks_them(world: SimpleNamespace) -> None:
    validator, model = make_validator(world, "val")
    raw = validator.score_raw()
    assert raw.keys() == validator.score(model).keys()
    assert raw["val_mrr_recipe_image_to_text"] < 0.05  # no answer: all are ties
    assert raw["val_mrr_dish_full"] > validator.chance()["val_mrr_dish_full"]
    worth = measure_baselines(world.features, world.pairs, 0)
    assert worth["chance"] < worth["raw"] < 1
