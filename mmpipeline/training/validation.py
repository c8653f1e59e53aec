"""The validation score that decides which epoch's weights are kept.

Not the loss, which depends on the batch, but what the model is for: mean reciprocal rank on the
anchors of the validation pairs, of a same-dish recipe for single-modality and full queries, and
of a recipe's own text for its photo and back. Recipes beyond a cap are left out, so that an epoch's
validation stays cheap however large the split is.
"""

import numpy as np

from mmpipeline.evaluation.embedding import QUERY_SUBSETS, embed_rows, mask_subset
from mmpipeline.evaluation.retrieval import (
    IntArray,
    Relevance,
    mean_reciprocal_rank,
    rank_queries,
)
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel
from mmpipeline.schemas import Modality
from mmpipeline.training.pair_table import PairTable

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
    """

    def __init__(self, features: FeatureSet, table: PairTable, seed: int) -> None:
        rows = np.unique(table.summary.anchors).astype(np.int64)
        chosen = np.random.default_rng(seed).permutation(len(rows))[:MAX_RECIPES]
        self._rows: IntArray = rows[np.sort(chosen)]
        self._features = features
        self._dish = table.summary.dish.astype(np.int64)

    def score(self, model: FusionModel) -> dict[str, float]:
        """Measure the model.

        Parameters
        ----------
        model
            The model.

        Returns
        -------
        dict
            ``val_mrr_dish_SUBSET`` and ``val_mrr_recipe_...`` as far as the recipes allow, and
            ``val_score``: the mean of the dish figures and the mean of the recipe figures,
            averaged. Empty when nothing can be measured.
        """
        dishes = self._score_dishes(model)
        recipes = self._score_recipes(model)
        means = [np.mean(list(figures.values())) for figures in (dishes, recipes) if figures]
        return {**dishes, **recipes, "val_score": float(np.mean(means))} if means else {}

    def _score_dishes(self, model: FusionModel) -> dict[str, float]:
        labelled = self._rows[self._dish[self._rows] >= 0]
        presence = self._features.presence
        items = embed_rows(model, self._features, labelled, presence[labelled])
        figures = {}
        for name in DISH_QUERIES:
            mask = mask_subset(presence[labelled], QUERY_SUBSETS[name])
            asks = mask.any(axis=1)
            rows = labelled[asks]
            queries = embed_rows(model, self._features, rows, mask[asks])
            relevance = Relevance(self._dish[rows], self._dish[labelled], rows, labelled)
            ranks = rank_queries(lambda q: queries[q] @ items.T, relevance)  # noqa: B023 -- used up before the loop goes on
            if ranks.any():
                figures[f"val_mrr_dish_{name}"] = mean_reciprocal_rank(ranks[ranks > 0])
        return figures

    def _score_recipes(self, model: FusionModel) -> dict[str, float]:
        image = mask_subset(self._features.presence[self._rows], ("image",))
        text = mask_subset(self._features.presence[self._rows], TEXT)
        has_both = image.any(axis=1) & text.any(axis=1)
        rows = self._rows[has_both]
        if len(rows) < 2:
            return {}
        images = embed_rows(model, self._features, rows, image[has_both])
        texts = embed_rows(model, self._features, rows, text[has_both])
        relevance = Relevance(rows, rows, np.full(len(rows), -1), np.full(len(rows), -1))
        return {
            "val_mrr_recipe_image_to_text": mean_reciprocal_rank(
                rank_queries(lambda q: images[q] @ texts.T, relevance)
            ),
            "val_mrr_recipe_text_to_image": mean_reciprocal_rank(
                rank_queries(lambda q: texts[q] @ images.T, relevance)
            ),
        }


TEXT: tuple[Modality, ...] = QUERY_SUBSETS["text"]
