"""The validation score that decides which epoch's weights are kept.

Not the loss, which depends on the batch, but what the model is for: mean reciprocal rank on the
anchors of the validation pairs, of a same-dish recipe for single-modality and full queries, and
of a recipe's own text for its photo and back. Recipes beyond a cap are left out, so that an epoch's
validation stays cheap however large the split is.
"""

from itertools import combinations

import numpy as np

from mmpipeline.evaluation.baselines import BoolArray
from mmpipeline.evaluation.embedding import QUERY_SUBSETS, embed_rows, mask_subset
from mmpipeline.evaluation.retrieval import (
    IntArray,
    Relevance,
    mean_reciprocal_rank,
    rank_queries,
)
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel
from mmpipeline.schemas import MODALITIES, Modality
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
        self._rows: IntArray = rows[np.sort(chosen)]
        self._features = features
        self._dish = table.summary.dish.astype(np.int64)
        names = table.summary.names if trained is not None else ()
        self._held_out = np.flatnonzero([name not in (trained or ()) for name in names])

    def score(self, model: FusionModel) -> dict[str, float]:
        """Measure the model.

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
        kinds = [figures for figures in (dishes, new_dishes, recipes) if figures]
        means = [np.mean(list(figures.values())) for figures in kinds]
        if not means:
            return {}
        return {**dishes, **new_dishes, **recipes, "val_score": float(np.mean(means))}

    def score_shown(self, model: FusionModel, shown: int) -> float | None:
        """Measure queries that show some number of parts, against recipes with all they have.

        Parameters
        ----------
        model
            The model.
        shown
            How many parts.

        Returns
        -------
        float or None
            Mean reciprocal rank of the dish over all subsets of that many parts, dishes that
            training does not see weighing as much as all; None when nothing can be measured.
        """
        figures: list[float] = []
        for subset in combinations(MODALITIES, shown):
            ranks, is_new = self._rank_dishes(model, subset)
            groups = (ranks[ranks > 0], ranks[(ranks > 0) & is_new])
            figures += [mean_reciprocal_rank(group) for group in groups if len(group)]
        return float(np.mean(figures)) if figures else None

    def _score_dishes(self, model: FusionModel) -> tuple[dict[str, float], dict[str, float]]:
        figures, new_figures = {}, {}
        for name in DISH_QUERIES:
            ranks, is_new = self._rank_dishes(model, QUERY_SUBSETS[name])
            if ranks.any():
                figures[f"val_mrr_dish_{name}"] = mean_reciprocal_rank(ranks[ranks > 0])
            if ranks[is_new].any():
                found = ranks[is_new & (ranks > 0)]
                new_figures[f"val_mrr_new_dish_{name}"] = mean_reciprocal_rank(found)
        return figures, new_figures

    def _rank_dishes(
        self, model: FusionModel, subset: tuple[Modality, ...]
    ) -> tuple[IntArray, BoolArray]:
        """Rank the right dish of queries of a subset, and say which dishes training never sees."""
        labelled = self._rows[self._dish[self._rows] >= 0]
        presence = self._features.presence
        items = embed_rows(model, self._features, labelled, presence[labelled])
        mask = mask_subset(presence[labelled], subset)
        asks = mask.any(axis=1)
        rows = labelled[asks]
        queries = embed_rows(model, self._features, rows, mask[asks])
        relevance = Relevance(self._dish[rows], self._dish[labelled], rows, labelled)
        ranks = rank_queries(lambda q: queries[q] @ items.T, relevance)
        return ranks, np.isin(self._dish[rows], self._held_out)

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
