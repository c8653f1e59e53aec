"""Objectives of training on recipes, by the name that `train.loss` gives.

Two recipes belong together when they are one (or copies), and when they are of one dish. The first
needs no label. All losses see the same masks: positives, and pairs that do not count.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mmpipeline.config.train import TrainConfig
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.losses import (
    cosine_pair_loss,
    info_nce_loss,
    leave_one_out_prototypical_loss,
    sigmoid_pairwise_loss,
    supervised_contrastive_loss,
)
from mmpipeline.models.device import device_of, to_device
from mmpipeline.models.embed import gather_features
from mmpipeline.training.engine.objective import EmbeddingObjective, Metrics
from mmpipeline.training.recipes.source import RecipeBatch

Loss = Callable[[Tensor, RecipeBatch, float], Tensor]


def recipe_objective(features: FeatureSet, config: TrainConfig) -> EmbeddingObjective[RecipeBatch]:
    """Return what training on batches of recipes minimises.

    Parameters
    ----------
    features
        The feature set.
    config
        The loss and its temperature.

    Returns
    -------
    EmbeddingObjective
        Over the views and mixed items of a batch.
    """
    measure = LOSSES[config.loss]

    def encode(module: nn.Module, items: RecipeBatch) -> Tensor:
        device = device_of(module)
        inputs = gather_features(features, items.image_rows, items.text_rows, device)
        vectors: Tensor = module(inputs, to_device(torch.from_numpy(items.mask), device))
        return vectors

    def compare(_: nn.Module, vectors: Tensor, items: RecipeBatch) -> tuple[Tensor, Metrics]:
        return measure(vectors, items.to(vectors.device), config.temperature), {}

    return EmbeddingObjective(encode, compare, RecipeBatch.split)


def relate(batch: RecipeBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Say what the items of a batch are to each view.

    Parameters
    ----------
    batch
        Of 2 B views and T items in all.

    Returns
    -------
    same_recipe, same_dish, ignored : Tensor
        Shape (2 B, T), bool. Ignored are the view itself, and mixed items that hold a part of the
        view's dish and might pass for it: those are wrong only for views that show both sides.
    """
    views = 2 * batch.recipes
    recipe, dish = batch.recipe[:views, None], batch.dish[:views, None]
    same_recipe = recipe == batch.recipe
    same_dish = (dish == batch.dish) & (dish >= 0)
    device = batch.dish.device
    both = torch.from_numpy(batch.mask[:views, 0] & batch.mask[:views, 1:].any(axis=1))
    half_right = ((batch.mixed_dishes == dish[..., None]) & (dish[..., None] >= 0)).any(dim=2)
    ignored = torch.eye(views, len(batch.dish), dtype=torch.bool, device=device)
    ignored |= half_right & ~to_device(both, device)[:, None]
    return same_recipe & ~ignored, same_dish & ~ignored, ignored


def _supervised_contrastive(vectors: Tensor, batch: RecipeBatch, temperature: float) -> Tensor:
    same_recipe, same_dish, ignored = relate(batch)
    views = vectors[: 2 * batch.recipes]
    return supervised_contrastive_loss(
        views, vectors, same_recipe | same_dish, ignored, temperature
    )


def _cosine_pair(vectors: Tensor, batch: RecipeBatch, temperature: float) -> Tensor:
    del temperature
    same_recipe, same_dish, ignored = relate(batch)
    return cosine_pair_loss(vectors[: 2 * batch.recipes], vectors, same_recipe | same_dish, ignored)


def _sigmoid(vectors: Tensor, batch: RecipeBatch, temperature: float) -> Tensor:
    same_recipe, same_dish, ignored = relate(batch)
    views = vectors[: 2 * batch.recipes]
    return sigmoid_pairwise_loss(views, vectors, same_recipe | same_dish, ignored, temperature)


def _info_nce(vectors: Tensor, batch: RecipeBatch, temperature: float) -> Tensor:
    """Match the two views of each recipe; others of its dish are no negatives."""
    first, second = vectors[: batch.recipes], vectors[batch.recipes : 2 * batch.recipes]
    same_group = (batch.dish[:, None] == batch.dish) & (batch.dish >= 0)
    same_group |= batch.recipe[:, None] == batch.recipe
    among = same_group[: batch.recipes, : batch.recipes].clone().fill_diagonal_(False)
    return info_nce_loss(first, second, temperature, among)


def _prototypical(vectors: Tensor, batch: RecipeBatch, temperature: float) -> Tensor:
    """Name each labelled view by the others' mean; and tell recipes apart within the batch."""
    same_recipe, same_dish, ignored = relate(batch)
    views = vectors[: 2 * batch.recipes]
    labelled = batch.dish[: len(views)] >= 0
    identity = supervised_contrastive_loss(
        views, vectors, same_recipe, ignored | (same_dish & ~same_recipe), temperature
    )
    if not labelled.any():
        return identity
    named = leave_one_out_prototypical_loss(
        views[labelled], batch.dish[: len(views)][labelled], temperature
    )
    return (named + identity) / 2


LOSSES: Mapping[str, Loss] = {
    "supervised_contrastive": _supervised_contrastive,
    "prototypical": _prototypical,
    "info_nce": _info_nce,
    "sigmoid_pairwise": _sigmoid,
    "cosine_pair": _cosine_pair,
}
"""By the names that `train.loss` gives."""
