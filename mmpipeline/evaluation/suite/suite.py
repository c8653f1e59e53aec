"""The questions asked of a model on held-out recipes, each beside every baseline that can answer.

A suite holds the model, the data, and the searched recipes embedded once; one method a question.
Everything is ranked exactly; that costs one matrix product of queries with items a question and
makes the figures independent of any index. Queries beyond a cap are left out by a seeded draw, so
a large catalogue is measured in bounded time.
"""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.config.evaluate import EvaluateConfig
from mmpipeline.evaluation.metrics.measurement import compare
from mmpipeline.evaluation.metrics.prototypes import (
    classify,
    compare_draws,
    draw_references,
    make_prototypes,
)
from mmpipeline.evaluation.metrics.recipe1m_protocol import measure_bags
from mmpipeline.evaluation.metrics.retrieval import Relevance, find_worst, rank_queries
from mmpipeline.evaluation.metrics.single_modality import SingleModality
from mmpipeline.evaluation.metrics.subset_matrix import measure_matrix
from mmpipeline.evaluation.metrics.text_baseline import RecipeTexts
from mmpipeline.evaluation.reports.gallery import Failure
from mmpipeline.evaluation.suite.baselines import Baselines, Side
from mmpipeline.evaluation.suite.held_out import HeldOut
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.embed import QUERY_SUBSETS, embed_rows, mask_subset
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.rounding import tie_width
from mmpipeline.schemas import MODALITIES, Modality

TEXT = QUERY_SUBSETS["text"]
MATRIX_QUERIES, MATRIX_ITEMS = 1_000, 5_000
MAX_BAG = 20_000  # recipes of which bags are drawn


class EvaluationSuite:
    """Holds the model, the data and the embedded index; one method a question.

    Parameters
    ----------
    model
        The model.
    features
        Features of all recipes.
    held_out
        Who asks and who answers.
    texts
        Their texts, for the baseline of words.
    config
        Draws, caps and seed.
    """

    def __init__(
        self,
        model: FusionModel,
        features: FeatureSet,
        held_out: HeldOut,
        texts: RecipeTexts,
        config: EvaluateConfig,
    ) -> None:
        self._model = model
        self._features = features
        self._held_out = held_out
        self._config = config
        items = held_out.items
        self._index = Side(items, held_out.presence[items])
        self._baselines = Baselines(features, held_out, texts, self._index)
        self._index_vectors = self._embed(self._index)
        self._labelled_items = np.flatnonzero(held_out.dish[items] >= 0)

    def measure_dishes(self, name: str, subset: tuple[Modality, ...]) -> dict[str, float]:
        """Search the index for recipes of the query's dish.

        Recipes without a dish label are no candidates: nobody knows whether they are right.

        Parameters
        ----------
        name
            Prefix of the figures' names.
        subset
            What the queries show; recipes that have none of it do not ask.

        Returns
        -------
        dict
            Figures over all labelled queries, and with ``_known`` and ``_unknown`` in the name
            over queries whose dish training saw and did not see.
        """
        queries = self._ask(self._held_out.is_query & (self._held_out.dish >= 0), subset)
        single = self._baselines.single(subset[0]) if len(subset) == 1 else None
        return self._compare_dishes(name, queries, self._labelled_items, single)

    def measure_languages(self, source: str, other: str) -> dict[str, float]:
        """Search the recipes of one language by titles of another, for the same dish.

        Parameters
        ----------
        source, other
            Language of the queries and of the items.

        Returns
        -------
        dict
            Figures named ``language_SOURCE_to_OTHER_...``.
        """
        held_out = self._held_out
        speaks = (held_out.language == source).to_numpy()
        queries = self._ask(held_out.is_query & (held_out.dish >= 0) & speaks, ("title",))
        speaks_other = (held_out.language == other).to_numpy()
        chosen = self._labelled_items[speaks_other[self._index.rows[self._labelled_items]]]
        name = f"language_{source}_to_{other}"
        return self._compare_dishes(name, queries, chosen, self._baselines.single("title"))

    def measure_recipes(self) -> dict[str, float]:
        """Find a recipe's text by its photo and its photo by its text, among the held-out ones.

        One recipe a group of copies is in the bag. Raw features and words have no answer here:
        photo and text share no dimension. The closed-form answer is that both sides' scores for
        the dishes of training, each from its own modality (the text's are summed), agree.

        Returns
        -------
        dict
            Figures named ``recipe_image_to_text_...`` and ``recipe_text_to_image_...`` over all
            of them at once, and with ``1k`` and ``10k`` in the name over bags where there are as
            many; empty when there are not two recipes to tell apart.
        """
        held_out = self._held_out
        text = mask_subset(held_out.presence, TEXT)
        photo = mask_subset(held_out.presence, ("image",))
        rows = np.flatnonzero(held_out.is_bag & text.any(axis=1) & photo.any(axis=1))
        rows = rows[np.unique(held_out.group[rows], return_index=True)[1]]
        rows = self._thin(rows, MAX_BAG)
        if len(rows) < 2:
            return {}
        sides = {"image": self._embed(Side(rows, photo[rows]))}
        sides["text"] = self._embed(Side(rows, text[rows]))
        scores = {"image": self._baselines.single("image").vectors(rows, photo[rows])}
        scores["text"] = sum(
            (self._baselines.single(part).vectors(rows, text[rows]) for part in TEXT),
            torch.zeros_like(scores["image"]),
        )
        itself, nothing = np.arange(len(rows)), np.full(len(rows), -1)
        relevance = Relevance(itself, itself, nothing, nothing)
        figures: dict[str, float] = {}
        for source, other in (("image", "text"), ("text", "image")):
            asked, answered = sides[source], sides[other]
            from_scores, to_scores = scores[source], scores[other]
            single = partial(rank_queries, lambda q: from_scores[q] @ to_scores.T)  # noqa: B023 -- used up before the loop goes on
            width = tie_width(asked.shape[1])
            comparison, _ = compare(
                lambda q: asked[q] @ answered.T,  # noqa: B023 -- as above
                {"single": single},
                relevance,
                width,
            )
            name = f"recipe_{source}_to_{other}"
            figures |= _prefix(name, comparison.figures(self._config.seed))
            figures |= _prefix(name, measure_bags(asked, answered, self._config.seed))
        return figures

    def measure_prototypes(self, name: str, subset: tuple[Modality, ...]) -> dict[str, float]:
        """Name the query's dish by the nearest prototype of drawn full index recipes.

        Parameters
        ----------
        name
            Prefix of the figures' names.
        subset
            What the queries show.

        Returns
        -------
        dict
            The fields of `PrototypeFigures`, also with ``_raw``, and ``top1_chance``,
            ``top5_chance``; ``top1``, ``known_top1`` and ``unknown_top1`` also with ``_low``,
            ``_high`` and ``_chance``; empty when no dish has both references and queries.
        """
        dishes = np.unique(self._held_out.dish[self._index.rows])
        dishes = dishes[dishes >= 0]
        can_ask = self._held_out.is_query & np.isin(self._held_out.dish, dishes)
        queries = self._ask(can_ask, subset)
        if not len(queries.rows):
            return {}
        label = np.searchsorted(dishes, self._held_out.dish[queries.rows])
        item_dish = self._held_out.dish[self._index.rows]
        item_label = np.where(item_dish >= 0, np.searchsorted(dishes, item_dish), -1)
        learned, raw = self._embed(queries), self._baselines.raw.vectors(queries.rows, queries.mask)
        ranks: dict[str, list[Int64Array]] = {"": [], "_raw": []}
        for draw in range(self._config.prototype_draws):
            references = draw_references(
                item_label, self._config.prototype_references, self._config.seed + draw
            )
            prototypes = make_prototypes(self._index_vectors, references)
            ranks[""].append(classify(learned, label, prototypes))
            ranks["_raw"].append(classify(raw, label, self._baselines.prototypes(references)))
        is_known = self._held_out.is_known[queries.rows]
        return _prefix(name, compare_draws(ranks, is_known, len(dishes), self._config.seed))

    def rank_subsets(self) -> dict[tuple[str, str], Int64Array]:
        """Rank the right dish for every pair of query subset and item subset.

        Returns
        -------
        dict
            As `measure_matrix` returns it, of at most `MATRIX_QUERIES` queries and
            `MATRIX_ITEMS` items.
        """
        held_out = self._held_out
        queries = np.flatnonzero(held_out.is_query & (held_out.dish >= 0))
        return measure_matrix(
            lambda rows, mask: self._embed(Side(rows, mask)),
            held_out.presence,
            (
                self._thin(queries, MATRIX_QUERIES),
                self._thin(self._index.rows[self._labelled_items], MATRIX_ITEMS),
            ),
            {"dish": held_out.dish, "group": held_out.group},
        )

    def find_failures(self, most: int) -> list[Failure]:
        """Name the queries whose right dish came latest, asked with all that they have.

        Parameters
        ----------
        most
            How many, at most; queries that went right are never among them.

        Returns
        -------
        list of Failure
            Worst first; equal ranks in the order of the catalogue.
        """
        held_out, labelled = self._held_out, self._labelled_items
        queries = self._ask(held_out.is_query & (held_out.dish >= 0), MODALITIES)
        items = self._index.rows[labelled]
        if not len(queries.rows) or not len(items):
            return []
        relevance = self._same_dish(queries.rows, items)
        learned, vectors = self._embed(queries), self._index_vectors[labelled]
        worst = find_worst(learned, vectors, relevance, most)
        names = self._features.recipe_ids
        return [
            Failure(names[queries.rows[query]], names[items[found]], names[items[right]], rank)
            for query, found, right, rank in worst
        ]

    def _same_dish(self, queries: Int64Array, items: Int64Array) -> Relevance:
        dish, group = self._held_out.dish, self._held_out.group
        return Relevance(dish[queries], dish[items], group[queries], group[items])

    def _ask(self, may_ask: BoolArray, subset: tuple[Modality, ...]) -> Side:
        mask = mask_subset(self._held_out.presence, subset)
        rows = self._thin(np.flatnonzero(may_ask & mask.any(axis=1)), self._config.max_queries)
        return Side(rows, mask[rows])

    def _thin(self, rows: Int64Array, most: int) -> Int64Array:
        """Keep a seeded draw of the rows, in order, when there are more than `most`."""
        if len(rows) <= most:
            return rows
        order = np.random.default_rng(self._config.seed).permutation(len(rows))
        return rows[np.sort(order[:most])]

    def _embed(self, side: Side) -> Tensor:
        return embed_rows(self._model, self._features, side.rows, side.mask)

    def _compare_dishes(
        self, name: str, queries: Side, chosen: Int64Array, single: SingleModality | None
    ) -> dict[str, float]:
        held_out = self._held_out
        items = Side(self._index.rows[chosen], self._index.mask[chosen])
        relevance = self._same_dish(queries.rows, items.rows)
        if not len(queries.rows) or not len(items.rows):
            return {f"{name}_queries": 0.0}
        learned, vectors = self._embed(queries), self._index_vectors[chosen]

        baselines = self._baselines.rankings(queries, items, chosen, single)
        width = tie_width(learned.shape[1])
        comparison, answerable = compare(
            lambda q: learned[q] @ vectors.T, baselines, relevance, width
        )
        is_known = held_out.is_known[queries.rows][answerable]
        seed = self._config.seed
        return (
            _prefix(name, comparison.figures(seed))
            | _prefix(f"{name}_known", comparison.only(is_known).figures(seed))
            | _prefix(f"{name}_unknown", comparison.only(~is_known).figures(seed))
        )


def _prefix(name: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{name}_{key}": value for key, value in figures.items()}
