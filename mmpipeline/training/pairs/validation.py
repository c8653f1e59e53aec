"""The validation score that decides which epoch's weights are kept.

Not the loss, which depends on the batch, but what the model is for: mean reciprocal rank on the
anchors of the validation pairs, of a same-dish recipe for single-modality and full queries, and
of a recipe's own text for its photo and back. Recipes beyond a cap are left out, so that an epoch's
validation stays cheap however large the split is. `chance` and `score_raw` say what the score is
worth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.evaluation.metrics.baselines import chance_figures
from mmpipeline.evaluation.metrics.retrieval import (
    Relevance,
    count_candidates,
    mean_reciprocal_rank,
    rank_vectors,
)
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.embed import QUERY_SUBSETS, Embedder, embed_rows, mask_subset
from mmpipeline.schemas import MODALITIES, Modality
from mmpipeline.training.pairs.table import PairTable

MAX_RECIPES = 2000
DISH_QUERIES = ("image", "title", "ingredients", "instructions", "full")


class Validator:
    """Scores a model on the anchors of validation pairs.

    Parameters
    ----------
    features
        The feature set.
    table
        Validation pairs; may be empty.
    seed
        Of the choice of recipes beyond the cap.
    trained
        Names of dishes that training sees; recipes of other dishes are measured once more by
        themselves, so that weights are not kept for what they remember. None measures all alike.
    """

    def __init__(
        self,
        features: FeatureSet,
        table: PairTable,
        seed: int,
        trained: frozenset[str] | None = None,
    ) -> None:
        rows = np.unique(table.summary.anchors).astype(np.int64)
        chosen = np.random.default_rng(seed).permutation(len(rows))[:MAX_RECIPES]
        self._rows: Int64Array = rows[np.sort(chosen)]
        self._features = features
        self._dish = table.summary.dish.astype(np.int64)
        names = table.summary.names if trained is not None else ()
        self._held_out = np.flatnonzero([name not in (trained or ()) for name in names])

    def score(self, model: Embedder) -> dict[str, float]:
        """Measure a model.

        Parameters
        ----------
        model
            The model.

        Returns
        -------
        dict
            ``val_mrr_dish_SUBSET``, ``val_mrr_new_dish_SUBSET`` of dishes that training does not
            see, and ``val_mrr_recipe_...``, as far as the recipes allow, and ``val_score``: the
            mean of the means of the three. Empty when nothing can be measured.
        """
        dishes, new_dishes = self._score_dishes(model)
        recipes = self._score_recipes(model)
        return _summarise(dishes, new_dishes, recipes)

    def chance(self) -> dict[str, float]:
        """Compute what a random order scores, exactly.

        Returns
        -------
        dict
            By the names of `score`.
        """
        dishes, new_dishes, recipes = {}, {}, {}
        for name in DISH_QUERIES:
            queries = self._ask_dishes(QUERY_SUBSETS[name])
            counts = np.stack(count_candidates(queries.relevance))
            found = counts[1] > 0
            if found.any():
                dishes[f"val_mrr_dish_{name}"] = _chance_mrr(counts[:, found])
            if (found & queries.is_new).any():
                new_dishes[f"val_mrr_new_dish_{name}"] = _chance_mrr(
                    counts[:, found & queries.is_new]
                )
        bag = len(self._recipes_with_both()[0])
        if bag > 1:
            one = _chance_mrr(np.array([[bag], [1]]))
            recipes = dict.fromkeys(RECIPE_FIGURES, one)
        return _summarise(dishes, new_dishes, recipes)

    def score_raw(self) -> dict[str, float]:
        """Measure raw features, centred on the validation recipes, without any learning.

        Photo and text share no dimension: between them, every order is a tie and counts as worst.

        Returns
        -------
        dict
            By the names of `score`.
        """
        return self.score(_RawEmbedder(self._features, self._rows))

    def _score_dishes(self, model: Embedder) -> tuple[dict[str, float], dict[str, float]]:
        figures, new_figures = {}, {}
        for name in DISH_QUERIES:
            ranks, is_new = self._rank_dishes(model, QUERY_SUBSETS[name])
            if ranks.any():
                figures[f"val_mrr_dish_{name}"] = mean_reciprocal_rank(ranks[ranks > 0])
            if ranks[is_new].any():
                found = ranks[is_new & (ranks > 0)]
                new_figures[f"val_mrr_new_dish_{name}"] = mean_reciprocal_rank(found)
        return figures, new_figures

    def _ask_dishes(self, subset: tuple[Modality, ...]) -> "_DishQueries":
        """Say which labelled recipes ask with a subset, and what answers them."""
        labelled = self._rows[self._dish[self._rows] >= 0]
        mask = mask_subset(self._features.presence[labelled], subset)
        asks = mask.any(axis=1)
        rows = labelled[asks]
        relevance = Relevance(self._dish[rows], self._dish[labelled], rows, labelled)
        is_new = np.isin(self._dish[rows], self._held_out)
        return _DishQueries(rows, mask[asks], labelled, relevance, is_new)

    def _rank_dishes(
        self, model: Embedder, subset: tuple[Modality, ...]
    ) -> tuple[Int64Array, BoolArray]:
        """Rank the right dish of queries of a subset, and say which dishes training never sees."""
        asked = self._ask_dishes(subset)
        shown = self._features.presence[asked.items]
        items = embed_rows(model, self._features, asked.items, shown)
        queries = embed_rows(model, self._features, asked.rows, asked.mask)
        ranks = rank_vectors(queries, items, asked.relevance)
        return ranks, asked.is_new

    def _recipes_with_both(self) -> tuple[Int64Array, BoolArray, BoolArray]:
        """Return the recipes with photo and text, and masks that show the one and the other."""
        image = mask_subset(self._features.presence[self._rows], ("image",))
        text = mask_subset(self._features.presence[self._rows], TEXT)
        has_both = image.any(axis=1) & text.any(axis=1)
        return self._rows[has_both], image[has_both], text[has_both]

    def _score_recipes(self, model: Embedder) -> dict[str, float]:
        rows, image, text = self._recipes_with_both()
        if len(rows) < 2:
            return {}
        images = embed_rows(model, self._features, rows, image)
        texts = embed_rows(model, self._features, rows, text)
        relevance = Relevance(rows, rows, np.full(len(rows), -1), np.full(len(rows), -1))
        ranks = (
            rank_vectors(images, texts, relevance),
            rank_vectors(texts, images, relevance),
        )
        return dict(zip(RECIPE_FIGURES, map(mean_reciprocal_rank, ranks), strict=True))


def measure_baselines(features: Path, pairs: Path, seed: int) -> dict[str, float]:
    """Measure what a validation score is worth on some data.

    Parameters
    ----------
    features, pairs
        Folders of finished artifacts, made from one catalogue.
    seed
        Of the choice of recipes beyond the cap, as in the training.

    Returns
    -------
    dict
        The ``val_score`` of ``raw`` features and of ``chance``; empty without validation recipes.
    """
    feature_set = FeatureSet.open(features)
    trained = PairTable.open(pairs, feature_set, "train").summary.names
    table = PairTable.open(pairs, feature_set, "val")
    validator = Validator(feature_set, table, seed, trained=frozenset(trained))
    figures = {"raw": validator.score_raw(), "chance": validator.chance()}
    return {name: found["val_score"] for name, found in figures.items() if found}


@dataclass(frozen=True, slots=True)
class _DishQueries:
    rows: Int64Array
    mask: BoolArray
    items: Int64Array
    relevance: Relevance
    is_new: BoolArray


class _RawEmbedder:
    """Puts the centred raw parts side by side, as the baseline `RawFeatures` does."""

    def __init__(self, features: FeatureSet, rows: Int64Array) -> None:
        self.embedding_dim = sum(features.dims.values())
        self._centres: dict[str, Tensor] = {}
        for position, name in enumerate(MODALITIES):
            shown = rows[features.presence[rows, position]]
            values = np.asarray(features.matrix(name)[shown], dtype=np.float32)
            self._centres[name] = torch.from_numpy(values.sum(axis=0) / max(1, len(shown)))

    def embed(self, inputs: Mapping[str, Tensor], mask: Tensor) -> Tensor:
        parts = [
            functional.normalize(inputs[name] - self._centres[name], dim=1) * mask[:, [position]]
            for position, name in enumerate(MODALITIES)
        ]
        return torch.cat(parts, dim=1)


def _summarise(*kinds: dict[str, float]) -> dict[str, float]:
    """Return all figures and, as `val_score`, the mean of the kinds' means."""
    means = [float(np.mean(list(figures.values()))) for figures in kinds if figures]
    whole = {name: value for figures in kinds for name, value in figures.items()}
    return {**whole, "val_score": float(np.mean(means))} if means else {}


def _chance_mrr(counts: Int64Array) -> float:
    candidates, relevant = counts
    return chance_figures(candidates, relevant, ())["mrr"]


TEXT: tuple[Modality, ...] = QUERY_SUBSETS["text"]
RECIPE_FIGURES = ("val_mrr_recipe_image_to_text", "val_mrr_recipe_text_to_image")
