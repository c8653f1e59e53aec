"""Batches of recipes, each seen twice under different masks, and mixed tuples between them.

The pair table says who trains and what is the same dish; the pairs themselves are made in the
batch, where every recipe meets all others. A recipe's two views are positives whatever its label,
so one without a label still ties its photo to its text. Mixed tuples (the photo of one recipe,
the text of another dish) are wrong answers for both. Batches follow from seed, epoch and number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mmpipeline.arrays import BoolArray, Int32Array, Int64Array
from mmpipeline.config.train import TrainConfig
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import to_device
from mmpipeline.training.engine.batch_source import name_some
from mmpipeline.training.masks import draw_masks
from mmpipeline.training.pairs.blocks import PairSummary

NOTHING = -1


@dataclass(frozen=True, slots=True)
class RecipeBatch:
    """Items to be encoded: the first views, the second views, the mixed ones.

    Attributes
    ----------
    image_rows, text_rows
        Shape (T,), rows of the feature set.
    mask
        Shape (T, 4), bool: what each shows.
    recipe
        Shape (T,): code of the recipe or its group of copies; -1 for mixed items.
    dish
        Shape (T,): code of the dish, -1 where not labelled and for mixed items.
    mixed_dishes
        Shape (T, 2): dishes of photo and text of a mixed item; -1 for all others.
    recipes
        B: the first B items are first views, the next B the second views of the same recipes.
    """

    image_rows: Int64Array
    text_rows: Int64Array
    mask: BoolArray
    recipe: Tensor
    dish: Tensor
    mixed_dishes: Tensor
    recipes: int

    def split(self, parts: int) -> list["RecipeBatch"]:
        """Cut the items into parts of sizes that differ by one at most, in order."""
        cut = np.array_split(np.arange(len(self.mask)), parts)
        none, nobody = self.recipe[:0], self.mixed_dishes[:0]
        return [
            RecipeBatch(
                self.image_rows[some], self.text_rows[some], self.mask[some], none, none, nobody, 0
            )
            for some in cut
        ]

    def to(self, device: torch.device) -> "RecipeBatch":
        """Return the batch with what its items are to each other on a device."""
        return replace(
            self,
            recipe=to_device(self.recipe, device),
            dish=to_device(self.dish, device),
            mixed_dishes=to_device(self.mixed_dishes, device),
        )


class RecipeSource:
    """Batches of the recipes that a pair table starts from, epoch after epoch.

    Parameters
    ----------
    features
        The feature set.
    summary
        Of the training pairs: anchors, their weights, dishes and copies.
    config
        Recipes in a batch, recipes of a dish side by side, masks, mixed tuples, seed.
    digest
        Of features and pairs.
    """

    def __init__(
        self, features: FeatureSet, summary: PairSummary, config: TrainConfig, digest: str = ""
    ) -> None:
        self._features = features
        self._config = config
        self._digest = digest
        rows, first = np.unique(summary.anchors, return_index=True)
        self._rows: Int32Array = rows
        self._weight = summary.weight[first].astype(np.float64)
        self._weight *= len(rows) / max(float(self._weight.sum()), 1e-12)
        self.dish = summary.dish.astype(np.int64)
        copies = summary.copies.astype(np.int64)
        self._recipe = np.where(copies >= 0, len(copies) + copies, np.arange(len(copies)))
        self._epoch, self._next = 1, 0
        self._order: tuple[int, list[Int32Array]] | None = None

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return max(1, len(self._rows) // self._config.anchors_per_batch)

    @property
    def rows(self) -> Int32Array:
        """Shape (R,): the recipes that train."""
        return self._rows

    @property
    def digest(self) -> str:
        """What was given."""
        return self._digest

    def take(self) -> RecipeBatch:
        """Return the next batch.

        Returns
        -------
        RecipeBatch
            Of about `anchors_per_batch` recipes.
        """
        if self._next >= len(self._batches_of(self._epoch)):
            self._epoch, self._next = self._epoch + 1, 0
        rows = self._batches_of(self._epoch)[self._next]
        generator = np.random.default_rng([self._config.seed, self._epoch, self._next, 2])
        self._next += 1
        return self.make_batch(rows.astype(np.int64), generator)

    def make_batch(self, rows: Int64Array, generator: np.random.Generator) -> RecipeBatch:
        """Show some recipes twice, and mix some of them.

        Parameters
        ----------
        rows
            Shape (B,), rows of the feature set.
        generator
            Source of randomness.

        Returns
        -------
        RecipeBatch
            Of 2 B items and the mixed ones.
        """
        photos, texts = self._draw_mixed(rows, generator)
        image_rows = np.concatenate([rows, rows, photos])
        text_rows = np.concatenate([rows, rows, texts])
        is_mixed = np.arange(len(image_rows)) >= 2 * len(rows)
        presence = np.concatenate(
            [self._features.presence[image_rows, :1], self._features.presence[text_rows, 1:]],
            axis=1,
        )
        mask = draw_masks(presence, is_mixed, generator)
        single = ~is_mixed & (generator.random(len(mask)) < self._config.single_part_fraction)
        mask[single] = draw_single(presence[single], generator)
        dish, recipe = self.dish[image_rows], self._recipe[image_rows]
        mixed = np.stack([dish, self.dish[text_rows]], axis=1)
        return RecipeBatch(
            image_rows=image_rows,
            text_rows=text_rows,
            mask=mask,
            recipe=torch.from_numpy(np.where(is_mixed, NOTHING, recipe)),
            dish=torch.from_numpy(np.where(is_mixed, NOTHING, dish)),
            mixed_dishes=torch.from_numpy(np.where(is_mixed[:, None], mixed, NOTHING)),
            recipes=len(rows),
        )

    def state_dict(self) -> dict[str, int]:
        """Return the epoch and the next batch of it."""
        return {"epoch": self._epoch, "batch": self._next}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where another source of the same recipes stood."""
        self._epoch, self._next = state["epoch"], state["batch"]

    def describe(self, batch: RecipeBatch) -> str:
        """Name the recipes of a batch."""
        rows = np.unique(batch.text_rows[: batch.recipes])
        return name_some("recipes", [str(self._features.recipe_ids[row]) for row in rows])

    def _draw_mixed(
        self, rows: Int64Array, generator: np.random.Generator
    ) -> tuple[Int64Array, Int64Array]:
        """Pair photos and texts of recipes of two different, known dishes."""
        presence = self._features.presence[rows]
        usable = rows[(self.dish[rows] >= 0) & presence[:, 0] & presence[:, 1:].any(axis=1)]
        photos = generator.permutation(usable)[: round(self._config.mixed_fraction * len(rows))]
        if not len(photos):
            return photos, photos
        texts = generator.choice(usable, len(photos))
        differ = self.dish[photos] != self.dish[texts]
        return photos[differ], texts[differ]

    def _batches_of(self, epoch: int) -> list[Int32Array]:
        """Return the rows of each batch of an epoch.

        Rows come as often as they weigh, a fraction being a chance. Those of a dish stand
        together in runs of `anchors_per_dish`, and the runs are shuffled.
        """
        if self._order is not None and self._order[0] == epoch:
            return self._order[1]
        generator = np.random.default_rng([self._config.seed, epoch])
        times = np.floor(self._weight + generator.random(len(self._rows))).astype(np.int64)
        rows = generator.permutation(np.repeat(self._rows, times))
        if self._config.anchors_per_dish > 1:
            rows = self._order_in_runs(rows, generator)
        batches = np.array_split(rows, len(self))
        self._order = (epoch, batches)
        return batches

    def _order_in_runs(self, rows: Int32Array, generator: np.random.Generator) -> Int32Array:
        dish = self.dish[rows]
        rows = rows[np.argsort(dish, kind="stable")]
        dish = np.sort(dish)
        place = np.arange(len(rows)) - np.searchsorted(dish, dish)
        run = place // np.where(dish >= 0, self._config.anchors_per_dish, 1)
        starts = np.flatnonzero(np.diff(dish, prepend=-2) | np.diff(run, prepend=-1))
        runs = np.split(rows, starts[1:])
        order: Int32Array = np.concatenate([runs[i] for i in generator.permutation(len(runs))])
        return order


def draw_single(presence: BoolArray, generator: np.random.Generator) -> BoolArray:
    """Draw one of each row's present parts, uniformly.

    Parameters
    ----------
    presence
        Shape (T, M), no row empty.
    generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (T, M), bool, one true entry a row.
    """
    luck = np.where(presence, generator.random(presence.shape), -1.0)
    chosen: BoolArray = luck == luck.max(axis=1, keepdims=True)
    return chosen & presence
