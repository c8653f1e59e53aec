"""The evaluation stage: every figure of a model on held-out recipes, beside its baselines.

Four questions, each also asked of raw features (where they can answer) and of chance:

- *dish*: is the nearest labelled recipe of the same dish, for each kind of query;
- *recipe*: does a photo find its own recipe's text, and a text its photo (Recipe1M's protocol);
- *language*: does a Korean title find an English recipe of the same dish, and back;
- *prototype*: is the right dish's prototype the nearest, for dishes known to training and not.

Everything is ranked exactly; that costs one matrix product of queries with items a question and
makes the figures independent of any index.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from torch import Tensor

from mmpipeline.config import EvaluateConfig
from mmpipeline.errors import StageError
from mmpipeline.evaluation.baselines import BoolArray, RawFeatures
from mmpipeline.evaluation.comparison import compare
from mmpipeline.evaluation.embedding import QUERY_SUBSETS, check_fit, embed_rows, mask_subset
from mmpipeline.evaluation.held_out import HeldOut, load_held_out
from mmpipeline.evaluation.prototypes import (
    classify,
    draw_references,
    make_prototypes,
    summarize_draws,
)
from mmpipeline.evaluation.report import write_report
from mmpipeline.evaluation.retrieval import IntArray, Relevance
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel, load_model
from mmpipeline.schemas import Modality
from mmpipeline.storage import write_json_atomic

TEXT = QUERY_SUBSETS["text"]
HEADLINES = (
    "queries",
    "dish_full_recall_at_1",
    "dish_image_recall_at_1",
    "dish_title_recall_at_1",
    "recipe_image_to_text_median_rank",
    "recipe_image_to_text_recall_at_10",
    "language_ko_to_en_recall_at_5",
    "language_en_to_ko_recall_at_5",
    "prototype_full_top1",
    "prototype_full_harmonic_mean",
)
"""The figures that go to the manifest and the screen."""


def evaluate_model(
    model: Path, features: Path, catalog: Path, target: Path, config: EvaluateConfig
) -> dict[str, float]:
    """Measure a model on held-out recipes.

    Writes ``metrics.json`` (name to figure), ``report.md`` and ``retrieval.png`` into `target`.

    Parameters
    ----------
    model, features, catalog
        Folders of finished artifacts; the features are of that catalogue, the model of those
        features.
    target
        Folder to write into.
    config
        Draws and seed.

    Returns
    -------
    dict
        The headline figures; those that these data allow.

    Raises
    ------
    ArtifactError
        If an artifact is damaged or they do not belong together.
    StageError
        If nothing is held out, or an embedding is not finite.
    """
    feature_set = FeatureSet.open(features)
    fusion_model = load_model(model)
    check_fit(fusion_model, feature_set)
    held_out = load_held_out(catalog, feature_set)
    bench = Bench(fusion_model, feature_set, held_out, config)
    metrics = {"queries": float(held_out.is_query.sum()), "items": float(held_out.is_item.sum())}
    metrics["labelled_items"] = float((held_out.is_item & (held_out.dish >= 0)).sum())
    for subset, modalities in QUERY_SUBSETS.items():
        metrics |= bench.measure_dishes(f"dish_{subset}", modalities)
    metrics |= bench.measure_recipes()
    for source, other in (("ko", "en"), ("en", "ko")):
        metrics |= bench.measure_languages(source, other)
    for subset, modalities in QUERY_SUBSETS.items():
        metrics |= bench.measure_prototypes(f"prototype_{subset}", modalities)
    metrics = {name: value for name, value in metrics.items() if np.isfinite(value)}
    if not any(name.endswith(("recall_at_1", "top1")) for name in metrics):
        raise StageError(
            f"none of the {int(held_out.is_query.sum())} held-out recipes has a dish with "
            "siblings, or both photo and text: nothing can be measured; add recipes"
        )
    write_json_atomic(target / "metrics.json", metrics)
    write_report(metrics, target, split=held_out.split)
    return {name: metrics[name] for name in HEADLINES if name in metrics}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a search: recipes, and how much of each is shown.

    Attributes
    ----------
    rows
        Shape (B,), rows of the feature set.
    mask
        Shape (B, 4).
    """

    rows: IntArray
    mask: BoolArray


class Bench:
    """Holds the model, the data and the embedded index; one method a question.

    Parameters
    ----------
    model
        The model.
    features
        Features of all recipes.
    held_out
        Who asks and who answers.
    config
        Draws and seed.
    """

    def __init__(
        self, model: FusionModel, features: FeatureSet, held_out: HeldOut, config: EvaluateConfig
    ) -> None:
        self._model = model
        self._features = features
        self._held_out = held_out
        self._config = config
        items = held_out.items
        self._raw = RawFeatures(features, items)
        self._index = Side(items, held_out.presence[items])
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
        return self._compare_dishes(name, queries, self._labelled_items)

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
        return self._compare_dishes(f"language_{source}_to_{other}", queries, chosen)

    def measure_recipes(self) -> dict[str, float]:
        """Find a recipe's text by its photo and its photo by its text, among the held-out ones.

        One recipe a group of copies is in the bag. Raw features have no answer here: photo and
        text share no dimension.

        Returns
        -------
        dict
            Figures named ``recipe_image_to_text_...`` and ``recipe_text_to_image_...``; empty
            when there are not two recipes to tell apart.
        """
        held_out = self._held_out
        text = mask_subset(held_out.presence, TEXT)
        photo = mask_subset(held_out.presence, ("image",))
        rows = np.flatnonzero(held_out.is_bag & text.any(axis=1) & photo.any(axis=1))
        rows = rows[np.unique(held_out.group[rows], return_index=True)[1]]
        if len(rows) < 2:
            return {}
        sides = {"image": self._embed(Side(rows, photo[rows]))}
        sides["text"] = self._embed(Side(rows, text[rows]))
        itself, nothing = np.arange(len(rows)), np.full(len(rows), -1)
        relevance = Relevance(itself, itself, nothing, nothing)
        figures: dict[str, float] = {}
        for source, other in (("image", "text"), ("text", "image")):
            asked, answered = sides[source], sides[other]
            comparison, _ = compare(lambda q: asked[q] @ answered.T, None, relevance)  # noqa: B023 -- used up before the loop goes on
            figures |= _prefix(f"recipe_{source}_to_{other}", comparison.figures(self._config.seed))
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
            ``top5_chance``; empty when no dish has both references and queries.
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
        learned, raw = self._embed(queries), self._raw.vectors(queries.rows, queries.mask)
        ranks: dict[str, list[IntArray]] = {"": [], "_raw": []}
        for draw in range(self._config.prototype_draws):
            references = draw_references(
                item_label, self._config.prototype_references, self._config.seed + draw
            )
            prototypes = make_prototypes(self._index_vectors, references)
            ranks[""].append(classify(learned, label, prototypes))
            ranks["_raw"].append(classify(raw, label, self._raw_prototypes(references)))
        is_known = self._held_out.is_known[queries.rows]
        figures = {"queries": float(len(label)), "dishes": float(len(dishes))}
        figures |= {"top1_chance": 1 / len(dishes), "top5_chance": min(1.0, 5 / len(dishes))}
        for suffix, draws in ranks.items():
            summary = asdict(summarize_draws(draws, is_known))
            figures |= {f"{key}{suffix}": value for key, value in summary.items()}
        return _prefix(name, figures)

    def _ask(self, may_ask: BoolArray, subset: tuple[Modality, ...]) -> Side:
        mask = mask_subset(self._held_out.presence, subset)
        rows = np.flatnonzero(may_ask & mask.any(axis=1))
        return Side(rows, mask[rows])

    def _embed(self, side: Side) -> Tensor:
        return embed_rows(self._model, self._features, side.rows, side.mask)

    def _raw_prototypes(self, references: list[IntArray]) -> Tensor:
        rows = np.concatenate(references)
        vectors = self._raw.vectors(self._index.rows[rows], self._index.mask[rows])
        bounds = np.cumsum([0, *map(len, references)])
        positions = [np.arange(start, stop) for start, stop in pairwise(bounds)]
        return make_prototypes(vectors, positions)

    def _compare_dishes(self, name: str, queries: Side, chosen: IntArray) -> dict[str, float]:
        held_out = self._held_out
        items = Side(self._index.rows[chosen], self._index.mask[chosen])
        relevance = Relevance(
            query_label=held_out.dish[queries.rows],
            item_label=held_out.dish[items.rows],
            query_group=held_out.group[queries.rows],
            item_group=held_out.group[items.rows],
        )
        if not len(queries.rows) or not len(items.rows):
            return {f"{name}_queries": 0.0}
        learned, vectors = self._embed(queries), self._index_vectors[chosen]

        def ask_raw(block: slice) -> Tensor:
            asked = (queries.rows[block], queries.mask[block])
            return self._raw.similarities(asked, (items.rows, items.mask))

        comparison, answerable = compare(lambda q: learned[q] @ vectors.T, ask_raw, relevance)
        is_known = held_out.is_known[queries.rows][answerable]
        seed = self._config.seed
        return (
            _prefix(name, comparison.figures(seed))
            | _prefix(f"{name}_known", comparison.only(is_known).figures(seed))
            | _prefix(f"{name}_unknown", comparison.only(~is_known).figures(seed))
        )


def _prefix(name: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{name}_{key}": value for key, value in figures.items()}
