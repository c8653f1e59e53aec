"""The baselines of a model: every ranking of the same recipes without a learned fusion.

Each baseline is made when it is first asked for and kept: a closed-form model is fitted once a
modality, words are counted once.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from torch import Tensor

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.evaluation.metrics.baselines import RawFeatures
from mmpipeline.evaluation.metrics.measurement import Ranking
from mmpipeline.evaluation.metrics.prototypes import make_prototypes
from mmpipeline.evaluation.metrics.retrieval import rank_by_items, rank_queries
from mmpipeline.evaluation.metrics.single_modality import SingleModality
from mmpipeline.evaluation.metrics.text_baseline import RecipeTexts, TfidfText
from mmpipeline.evaluation.suite.held_out import HeldOut
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.schemas import Modality


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

    rows: Int64Array
    mask: BoolArray


class Baselines:
    """The baselines over one index.

    Parameters
    ----------
    features
        Features of all recipes.
    held_out
        Who may be learned from.
    texts
        Their texts, for the baseline of words.
    index
        The recipes that are searched in.

    Attributes
    ----------
    raw
        The features as they are.
    """

    def __init__(
        self, features: FeatureSet, held_out: HeldOut, texts: RecipeTexts, index: Side
    ) -> None:
        self.raw = RawFeatures(features, index.rows)
        self._features = features
        self._held_out = held_out
        self._texts = texts
        self._index = index
        self._singles: dict[Modality, SingleModality] = {}

    def rankings(
        self, queries: Side, items: Side, chosen: Int64Array, single: SingleModality | None
    ) -> dict[str, Ranking]:
        """Return the rankings of those that can answer, by name.

        Parameters
        ----------
        queries, items
            Who asks and who answers.
        chosen
            Places of the items in the index.
        single
            The closed-form model of the modality that asks; None when several do.
        """
        raw = self.raw.similarity((queries.rows, queries.mask), (items.rows, items.mask))
        found: dict[str, Ranking] = {"raw": partial(rank_by_items, raw)}
        if queries.mask[:, 1:].any():
            words = self._words.similarity(queries.rows, queries.mask, chosen)
            found["tfidf"] = partial(rank_queries, words)
        if single is not None:
            asked = single.vectors(queries.rows, queries.mask)
            found["single"] = partial(
                rank_by_items,
                lambda block: asked @ single.vectors(items.rows[block], items.mask[block]).T,
            )
        return found

    def single(self, modality: Modality) -> SingleModality:
        """Return the closed-form model of one modality, fitted once."""
        if modality not in self._singles:
            learnable = self._held_out.is_train & (self._held_out.dish >= 0)
            self._singles[modality] = SingleModality(
                self._features, modality, np.flatnonzero(learnable), self._held_out.dish
            )
        return self._singles[modality]

    def prototypes(self, references: list[Int64Array]) -> Tensor:
        """Return the means of raw features over places in the index, one a list of places."""
        rows = np.concatenate(references)
        vectors = self.raw.vectors(self._index.rows[rows], self._index.mask[rows])
        bounds = np.cumsum([0, *map(len, references)])
        positions = [np.arange(start, stop) for start, stop in pairwise(bounds)]
        return make_prototypes(vectors, positions)

    @cached_property
    def _words(self) -> TfidfText:
        return TfidfText(self._texts, self._index.rows, self._index.mask)
