"""The trainings that a config can name, by what they draw batches from."""

from collections.abc import Callable

from mmpipeline.training.pairs.train import train_model
from mmpipeline.training.recipes.train import train_food_model


def choose_training(batches: str) -> Callable[..., dict[str, float]]:
    """Return a training.

    Parameters
    ----------
    batches
        `train.batches`: ``recipes`` or ``pairs``.

    Returns
    -------
    callable
        Takes features, pairs, the folder to fill, config, logger and checkpoints; returns counts.
    """
    return {"recipes": train_food_model, "pairs": train_model}[batches]
