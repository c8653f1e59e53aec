"""Training from pair tables as a source of batches and an objective.

A batch names its items by row numbers; feature vectors are read where a part is encoded, so of
several processes each reads its own part only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mmpipeline.arrays import BoolArray, Int32Array
from mmpipeline.config.train import TrainConfig
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.losses import supervised_contrastive_loss
from mmpipeline.models.device import device_of, to_device
from mmpipeline.models.embed import gather_features
from mmpipeline.training.engine.batch_source import name_some
from mmpipeline.training.engine.objective import EmbeddingObjective, Metrics
from mmpipeline.training.masks import draw_masks
from mmpipeline.training.pairs.batches import PairBatch, PairBatches
from mmpipeline.training.pairs.table import PairTable


@dataclass(frozen=True, slots=True)
class ShownItems:
    """Items to be encoded, and what each shows.

    Attributes
    ----------
    image_rows, text_rows
        Shape (T,), rows of the feature set; -1 for none.
    mask
        Shape (T, 4), bool: what each shows.
    pairs
        What the items are to each other: masks of positives and of possible false negatives
        (``ignored``). None in a part of a batch.
    """

    image_rows: Int32Array
    text_rows: Int32Array
    mask: BoolArray
    pairs: PairBatch | None

    def split(self, parts: int) -> list["ShownItems"]:
        """Cut the items into parts of sizes that differ by one at most, without what they are."""
        arrays = (self.image_rows, self.text_rows, self.mask)
        cut = zip(*(np.array_split(array, parts) for array in arrays), strict=True)
        return [ShownItems(image, text, mask, None) for image, text, mask in cut]


class PairSource:
    """Batches of a pair table, epoch after epoch, each item with a random subset of what it has.

    Parameters
    ----------
    features
        The feature set.
    table
        Training pairs.
    config
        Anchors in a batch, and the seed.
    digest
        Of features and pairs.
    """

    def __init__(
        self, features: FeatureSet, table: PairTable, config: TrainConfig, digest: str = ""
    ) -> None:
        self._features = features
        self._seed = config.seed
        self._digest = digest
        self._batches = PairBatches(
            table, config.anchors_per_batch, config.seed, config.anchors_per_dish
        )
        self._running: Iterator[PairBatch] | None = None

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self._batches)

    @property
    def digest(self) -> str:
        """What was given."""
        return self._digest

    def take(self) -> ShownItems:
        """Return the next batch.

        Returns
        -------
        ShownItems
            With its pairs.
        """
        state = self._batches.state_dict()
        if self._running is None:
            self._running = self._batches.epoch(state["epoch"])
        batch = next(self._running, None)
        if batch is None:  # the epoch is over
            self._running = None
            return self.take()
        generator = np.random.default_rng([self._seed, state["epoch"], state["batch"], 1])
        mask = draw_masks(batch.presence(self._features.presence), batch.is_mixed, generator)
        return ShownItems(batch.image_rows, batch.text_rows, mask, batch)

    def state_dict(self) -> dict[str, int]:
        """Return the epoch and the next batch of it."""
        return self._batches.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where another source of the same pairs stood; see `PairBatches`."""
        self._batches.load_state_dict(state)
        self._running = None

    def describe(self, batch: ShownItems) -> str:
        """Name the recipes that a batch's anchors are of."""
        rows = np.maximum(batch.image_rows, batch.text_rows)
        if batch.pairs is not None:
            rows = rows[batch.pairs.anchors.numpy()]
        return name_some(
            "recipes", [str(self._features.recipe_ids[row]) for row in np.unique(rows)]
        )


def pair_objective(features: FeatureSet, config: TrainConfig) -> EmbeddingObjective[ShownItems]:
    """Return what training from pair tables minimises.

    Parameters
    ----------
    features
        The feature set.
    config
        The temperature.

    Returns
    -------
    EmbeddingObjective
        Supervised contrastive over the items of a batch.
    """

    def encode(module: nn.Module, items: ShownItems) -> Tensor:
        device = device_of(module)
        inputs = gather_features(features, items.image_rows, items.text_rows, device)
        vectors: Tensor = module(inputs, to_device(torch.from_numpy(items.mask), device))
        return vectors

    def compare(_: nn.Module, vectors: Tensor, items: ShownItems) -> tuple[Tensor, Metrics]:
        pairs = items.pairs
        assert pairs is not None  # only parts go without
        anchors, positive, ignored = (
            to_device(values, vectors.device)
            for values in (pairs.anchors, pairs.positive, pairs.ignored)
        )
        loss = supervised_contrastive_loss(
            vectors[anchors], vectors, positive, ignored, config.temperature
        )
        return loss, {}

    return EmbeddingObjective(encode, compare, ShownItems.split)
