"""Objectives of the methods for synthetic data."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmpipeline.config.talk import TalkMethodConfig
from mmpipeline.losses import (
    LearnedTemperature,
    cosine_pair_loss,
    euclid_pair_loss,
    leave_one_out_prototypical_loss,
)
from mmpipeline.losses.paired_prototypical import paired_prototypical_loss
from mmpipeline.models.fusions.table import ModelOptions
from mmpipeline.talk.methods.episodes import ClassBatch, MomentEpisode
from mmpipeline.talk.models.moment_prototypes import MomentPrototypes
from mmpipeline.talk.models.numeric_fusion import NumericFusionModel
from mmpipeline.training.engine.objective import Metrics


class SeedEmbedding(nn.Module):
    """The embedding and the temperature that is learned with it.

    Parameters
    ----------
    dims
        Number of values of each modality.
    config
        Widths and kind of layers.
    """

    def __init__(self, dims: tuple[int, ...], config: TalkMethodConfig) -> None:
        super().__init__()
        options = ModelOptions(
            fusion=config.fusion,
            plain=config.plain,
            unit_length=config.loss != "euclid_pair",
        )
        self.model = NumericFusionModel(
            dims, config.hidden_dim, config.embedding_dim, config.bumps, options
        )
        self.temperature = LearnedTemperature(initial=0.1)


@dataclass(frozen=True, slots=True)
class EmbeddingLoss:
    """The loss that a config names, over batches of classes.

    With `cross_weight`, each item is embedded under the batch's subset and in full, and queries
    meet three kinds of class means::

        L(subset, subset) + cross_weight L(subset, full) + full_weight L(full, full)

    Attributes
    ----------
    config
        Which loss, and its weights.
    """

    config: TalkMethodConfig

    def __call__(self, module: nn.Module, batch: ClassBatch, /) -> tuple[Tensor, Metrics]:
        """Measure the module; see `mmpipeline.training.Objective`."""
        assert isinstance(module, SeedEmbedding)  # for the type checker
        if self.config.loss == "prototypical" and self.config.cross_weight:
            return self._cross(module, batch), {}
        vectors: Tensor = module.model(batch.inputs, batch.mask)
        if self.config.loss == "prototypical":
            temperature = module.temperature()
            return leave_one_out_prototypical_loss(vectors, batch.label, temperature), {}
        same = batch.label[:, None] == batch.label
        itself = torch.eye(len(vectors), dtype=torch.bool)
        loss = cosine_pair_loss if self.config.loss == "cosine_pair" else euclid_pair_loss
        return loss(vectors, vectors, same & ~itself, itself), {}

    def _cross(self, module: SeedEmbedding, batch: ClassBatch) -> Tensor:
        items = len(batch.label)
        twice = [torch.cat([rows, rows]) for rows in batch.inputs]
        mask = torch.cat([batch.mask, torch.ones_like(batch.mask)])
        shown, full = module.model(twice, mask).split(items)
        temperature, label = module.temperature(), batch.label
        loss = paired_prototypical_loss(shown, shown, label, temperature)
        loss = loss + self.config.cross_weight * paired_prototypical_loss(
            shown, full, label, temperature
        )
        if self.config.full_weight:
            loss = loss + self.config.full_weight * paired_prototypical_loss(
                full, full, label, temperature
            )
        return loss


def moment_loss(module: nn.Module, episode: MomentEpisode, /) -> tuple[Tensor, Metrics]:
    """Cross-entropy of the queries' classes by moment-aware scores.

    Parameters
    ----------
    module
        `MomentPrototypes`.
    episode
        Queries and references.

    Returns
    -------
    loss : Tensor
        Shape ().
    metrics : mapping
        None.
    """
    assert isinstance(module, MomentPrototypes)  # for the type checker
    queries = episode.queries
    scores = module(queries.inputs, queries.mask, episode.references)
    return functional.cross_entropy(scores, queries.label), {}
