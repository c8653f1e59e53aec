"""The learning rate of each step: a straight rise, then half a cosine down."""

import math

from mmpipeline.config.train import FitConfig


def learning_rate(step: int, config: FitConfig) -> float:
    """Return the rate of one step.

    It follows from the step alone, so there is no state to store. With w steps of warm-up out of n
    and the final share f, the rate is the configured one times::

        step / (w + 1)                                           for step <= w
        f + (1 - f) (1 + cos(pi (step - 1 - w) / (n - w))) / 2   after

    Parameters
    ----------
    step
        From 1.
    config
        Rate, shares and number of steps.

    Returns
    -------
    float
        The learning rate.

    References
    ----------
    Loshchilov and Hutter 2017, SGDR, equation 5, without restarts.
    """
    steps = config.rounds * config.steps_per_round
    warmup = int(config.warmup_fraction * steps)
    if step <= warmup:
        return config.learning_rate * step / (warmup + 1)
    way = (step - 1 - warmup) / (steps - warmup)
    low = config.final_rate_fraction
    return config.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * way)) / 2)
