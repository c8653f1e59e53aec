"""The first weights of linear encoders: ridge regression from each part to the dishes.

Each dish of training gets a direction of the hidden space, the same for all modalities, and each
modality's layer begins at the ridge regression of its inputs onto the direction of the recipe's
dish. So photo, title, ingredients and steps of one dish lie in one place before the first step, in
both languages: what ten recipes a dish can teach about one part is found in closed form. Directions
that no dish takes keep random weights, for contrastive training to use: it has to tell recipes
apart, and dishes that come later. With more dishes than directions, theirs are random. The systems
are solved on the CPU, wherever the model is: in double precision, which GPUs are slow at.

References
----------
Hoerl and Kennard 1970, Ridge Regression, equation 2.1.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.arrays import Int32Array
from mmpipeline.evaluation.metrics.single_modality import MAX_ROWS, RIDGE, solve_ridge
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import device_of, to_device
from mmpipeline.models.encoders import LinearEncoder
from mmpipeline.models.fusion import FusionModel
from mmpipeline.schemas import MODALITIES, Modality

FREE_LENGTH = 1.0  # of codes in the directions that no dish takes; 1 in those of the dishes


def begin_at_ridge(
    model: FusionModel, features: FeatureSet, rows: Int32Array, dish: Int32Array, seed: int
) -> None:
    """Set the layers of a model's linear encoders; other encoders stay as they are.

    Parameters
    ----------
    model
        Its inputs are standardised already.
    features
        The feature set.
    rows
        Shape (R,), the recipes that train.
    dish
        Shape (N,), codes of all recipes' dishes, -1 for none.
    seed
        Of the directions.
    """
    rows = rows[dish[rows] >= 0]
    if not len(rows):
        return
    label = np.unique(dish[rows], return_inverse=True)[1]
    directions = _draw_directions(int(label.max()) + 1, model.hidden_dim, seed)
    for column, name in enumerate(MODALITIES):
        encoder = model.encoders[name]
        shown = np.flatnonzero(features.presence[rows, column])
        if isinstance(encoder, LinearEncoder) and len(shown):
            shown = shown[_spread(len(shown), MAX_ROWS)]
            values = encoder.standardized(_read(features, name, rows[shown], device_of(model)))
            values = values.cpu().double()
            _begin(encoder.layer, values, torch.from_numpy(label[shown]), directions)


def _begin(layer: torch.nn.Linear, values: Tensor, label: Tensor, directions: Tensor) -> None:
    """Set one layer: values of shape (R, D), labels (R,), directions (C, H)."""
    target = directions[label]
    fitted = solve_ridge(values, target - target.mean(dim=0), RIDGE).T
    free = layer.weight.detach().cpu().double()
    if len(directions) < len(free):
        free = free - directions.T @ (directions @ free)
    with torch.no_grad():
        layer.weight.copy_(_scale(fitted, values) + FREE_LENGTH * _scale(free, values))
        layer.bias.zero_()


def _scale(weights: Tensor, values: Tensor) -> Tensor:
    """Scale weights so that codes have a mean length of 1; where all are 0, leave them."""
    mean = (values @ weights.T).norm(dim=1).mean()
    return weights / mean.clamp(min=1e-12) if mean > 0 else weights


def _draw_directions(dishes: int, width: int, seed: int) -> Tensor:
    """Return a direction a dish: orthogonal as long as there is room, then random; (C, H)."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(max(dishes, width), width, generator=generator, dtype=torch.float64)
    basis: Tensor = torch.linalg.qr(drawn).Q if dishes <= width else drawn
    return functional.normalize(basis[:dishes], dim=1)


def _spread(count: int, most: int) -> Int32Array:
    places: Int32Array = np.linspace(0, count - 1, min(count, most)).astype(np.int64)
    return places


def _read(features: FeatureSet, name: Modality, rows: Int32Array, device: torch.device) -> Tensor:
    values = np.asarray(features.matrix(name)[rows], dtype=np.float32)
    return to_device(torch.from_numpy(values), device)
