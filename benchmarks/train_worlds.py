"""The worlds that `benchmarks.train` trains on: synthetic data of the talk, or food pair tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from mmpipeline.config.talk import SyntheticConfig
from mmpipeline.config.train import FitConfig, TrainConfig
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.losses import leave_one_out_prototypical_loss
from mmpipeline.models.embed import gather_features
from mmpipeline.models.fusion import FusionModel
from mmpipeline.schemas import MODALITIES
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.talk.data.generator import SyntheticData, generate
from mmpipeline.training.engine.batch_source import BatchSource, TensorBatch, TensorSource
from mmpipeline.training.engine.determinism import determinism
from mmpipeline.training.engine.fit import fit
from mmpipeline.training.engine.objective import EmbeddingObjective, Metrics
from mmpipeline.training.pairs.fusion import fit_config, make_model
from mmpipeline.training.pairs.table import PairTable
from mmpipeline.training.pairs.validation import Validator
from mmpipeline.training.recipes.objective import recipe_objective
from mmpipeline.training.recipes.source import RecipeBatch, RecipeSource

SEED = 2021
LEARNING_STEPS = 300


class World(Protocol):
    """Data, a model and an objective; batches prepared, and item by item."""

    config: FitConfig
    objective: EmbeddingObjective[Any]

    def make_module(self) -> nn.Module:
        """Return an untrained model."""

    def make_source(self) -> BatchSource[Any]:
        """Return the product's own source of batches."""

    def prepare(self, steps: int) -> list[Any]:
        """Return batches with everything that a step reads."""

    def item_by_item(self, steps: int) -> Iterator[Any]:
        """Yield such batches from a DataLoader that collates single items."""

    def encode_prepared(self, module: nn.Module, batch: Any) -> Tensor:  # noqa: ANN401
        """Embed the items of a prepared batch."""

    def compared(self, batch: Any) -> Any:  # noqa: ANN401
        """Return what the objective compares by."""

    def items(self, batch: Any) -> int:  # noqa: ANN401
        """Return the number of items of a prepared batch."""

    def flops(self, prepared: Sequence[Any]) -> float:
        """Return the floating-point operations of the products in some steps."""

    def learn(self, precision: str) -> float:
        """Train for a while and return a score on held-out items."""


class SyntheticWorld:
    """Three modalities of 30 known classes, a thousand samples each; episodes of all classes.

    The model has the widths that the talk's experiment is reproduced with; the loss is the
    prototypical one, which learns from a class's mean without the item that asks.
    """

    def __init__(self) -> None:
        self.data: SyntheticData = generate(SyntheticConfig(seed=SEED))
        known = self.data.config.known_classes
        dims = self.data.config.modality_dims
        self.names = [f"m{number}" for number in range(len(dims))]
        self.dims = dict(zip(self.names, dims, strict=True))
        self.tensors = {
            name: torch.from_numpy(part[:known].reshape(-1, part.shape[-1]))
            for name, part in zip(self.names, self.data.pool, strict=True)
        }
        rows = len(self.tensors["m0"])
        self.tensors["label"] = torch.arange(known).repeat_interleave(rows // known)
        self.config = FitConfig(seed=SEED, learning_rate=1e-3)
        self.objective = EmbeddingObjective(self.encode_prepared, self._classify, TensorBatch.split)

    def make_module(self) -> nn.Module:
        """Return an untrained fusion model."""
        with determinism(SEED):
            return FusionModel(self.dims, 128, 64, 0.1)

    def make_source(self) -> TensorSource:
        """Return batches of 1,024 rows in memory."""
        return TensorSource(self.tensors, 1024, SEED)

    def prepare(self, steps: int) -> list[TensorBatch]:
        """Return the source's first batches."""
        source = self.make_source()
        return [source.take() for _ in range(steps)]

    def item_by_item(self, steps: int) -> Iterator[TensorBatch]:
        """Yield batches of single rows, collated."""
        loader = DataLoader(
            TensorItems(self.tensors), batch_size=1024, shuffle=True, drop_last=True
        )
        taken = 0
        while True:
            for tensors in loader:
                if taken == steps:
                    return
                taken += 1
                yield TensorBatch(tensors["label"], tensors)

    def encode_prepared(self, module: nn.Module, batch: TensorBatch) -> Tensor:
        """Embed rows, each with a random subset of its modalities."""
        numbers = torch.randint(1, 2 ** len(self.names), (len(batch.rows), 1))
        mask = (numbers >> torch.arange(len(self.names))) % 2 == 1
        vectors: Tensor = module({name: batch.tensors[name] for name in self.names}, mask)
        return vectors

    def compared(self, batch: TensorBatch) -> TensorBatch:
        """Return the batch, for its labels."""
        return batch

    def items(self, batch: TensorBatch) -> int:
        """Return its number of rows."""
        return len(batch.rows)

    def flops(self, prepared: Sequence[TensorBatch]) -> float:
        """Return the operations of the products in some steps."""
        return count_flops(self, prepared)

    def learn(self, precision: str) -> float:
        """Train, and classify the known classes' queries by the nearest class mean."""
        module = self.make_module()
        assert isinstance(module, FusionModel)
        changes = {"rounds": 1, "steps_per_round": LEARNING_STEPS, "precision": precision}
        fit(module, self.make_source(), self.objective, self.config.model_copy(update=changes))
        known = self.data.config.known_classes
        pool, test = (
            self._embed(module, part).reshape(known, -1, module.embedding_dim)
            for part in (self.data.pool, self.data.test)
        )
        nearest = (test @ nn.functional.normalize(pool.mean(1), dim=1).T).argmax(-1)
        return float((nearest == torch.arange(known)[:, None]).double().mean())

    def _embed(self, module: FusionModel, samples: tuple[np.ndarray, ...]) -> Tensor:
        known = self.data.config.known_classes
        inputs = {
            name: torch.from_numpy(part[:known].reshape(-1, part.shape[-1]))
            for name, part in zip(self.names, samples, strict=True)
        }
        mask = torch.ones(len(inputs["m0"]), len(self.names), dtype=torch.bool)
        return module.embed(inputs, mask).clone()

    def _classify(
        self, _: nn.Module, vectors: Tensor, batch: TensorBatch
    ) -> tuple[Tensor, Metrics]:
        return leave_one_out_prototypical_loss(vectors, batch.tensors["label"]), {}


class TensorItems(Dataset[dict[str, Tensor]]):
    """Single rows of tensors, as one would write a data set first."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._tensors = tensors

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._tensors["label"])

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        """Return one row of each tensor."""
        return {name: tensor[row] for name, tensor in self._tensors.items()}


@dataclass(frozen=True)
class LoadedItems:
    """Items with their feature vectors."""

    shown: RecipeBatch
    inputs: dict[str, Tensor]


class FoodWorld:
    """The newest features and pairs below a data folder, and the default model."""

    def __init__(self, data_root: Path) -> None:
        store = ArtifactStore(DataLayout.at(data_root))
        self.features = FeatureSet.open(store.latest("features").folder)
        self.pairs = store.latest("pairs").folder
        self.train_config = TrainConfig()
        self.table = PairTable.open(self.pairs, self.features, "train")
        self.config = fit_config(self.train_config, len(self.make_source()))
        self.objective = recipe_objective(self.features, self.train_config)

    def make_module(self) -> nn.Module:
        """Return an untrained model of the default size."""
        return make_model(self.features, self.table, self.train_config)

    def make_source(self) -> RecipeSource:
        """Return batches of the pair table's recipes."""
        return RecipeSource(self.features, self.table.summary, self.train_config)

    def prepare(self, steps: int) -> list[LoadedItems]:
        """Return the source's first batches with their feature vectors."""
        source = self.make_source()
        shown = [source.take() for _ in range(steps)]
        return [
            LoadedItems(one, gather_features(self.features, one.image_rows, one.text_rows))
            for one in shown
        ]

    def item_by_item(self, steps: int) -> Iterator[LoadedItems]:
        """Yield the same batches, each vector read by itself and collated."""
        source = self.make_source()
        shown = [source.take() for _ in range(steps)]
        keys = [list(zip(one.image_rows, one.text_rows, strict=True)) for one in shown]
        loader = DataLoader(self._items, batch_sampler=keys)
        for one, inputs in zip(shown, loader, strict=True):
            yield LoadedItems(one, inputs)

    @cached_property
    def _items(self) -> "FeatureItems":
        return FeatureItems(self.features)

    def encode_prepared(self, module: nn.Module, batch: LoadedItems) -> Tensor:
        """Embed items whose vectors are there."""
        vectors: Tensor = module(batch.inputs, torch.from_numpy(batch.shown.mask))
        return vectors

    def compared(self, batch: LoadedItems) -> RecipeBatch:
        """Return what the items are to each other."""
        return batch.shown

    def items(self, batch: LoadedItems) -> int:
        """Return the number of items."""
        return len(batch.shown.mask)

    def flops(self, prepared: Sequence[LoadedItems]) -> float:
        """Return the operations of the products in some steps."""
        return count_flops(self, prepared)

    def learn(self, precision: str) -> float:
        """Train for some epochs, and score the model on the validation pairs."""
        module, source = self.make_module(), self.make_source()
        rounds = max(1, LEARNING_STEPS // self.config.steps_per_round)
        changes = {"rounds": rounds, "precision": precision}
        fit(module, source, self.objective, self.config.model_copy(update=changes))
        assert isinstance(module, FusionModel)
        held_out = PairTable.open(self.pairs, self.features, "val")
        return Validator(self.features, held_out, SEED).score(module)["val_score"]


class FeatureItems(Dataset[dict[str, Tensor]]):
    """Single items of a feature set, as one would write a data set first."""

    def __init__(self, features: FeatureSet) -> None:
        self._matrices = {name: features.matrix(name) for name in MODALITIES}

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        """Return the vectors of a photo's and a text's recipe."""
        image, text = key
        return {
            name: torch.from_numpy(matrix[image if name == "image" else text].astype(np.float32))
            for name, matrix in self._matrices.items()
        }


def count_flops(world: World, prepared: Sequence[Any]) -> float:
    """Return the floating-point operations of matrix products, forward and backward."""
    module = world.make_module()
    counter = FlopCounterMode(display=False)
    with counter:
        for batch in prepared:
            vectors = world.encode_prepared(module, batch)
            loss, _ = world.objective.compare(module, vectors, world.compared(batch))
            torch.autograd.backward(loss)
    return float(counter.get_total_flops())


def synthetic_world() -> World:
    """Return the talk's data."""
    return SyntheticWorld()


def food_world(data_root: Path) -> World:
    """Return the newest pair tables below a data folder."""
    return FoodWorld(data_root)
