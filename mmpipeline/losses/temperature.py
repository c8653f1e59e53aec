"""A temperature that is learned with the weights, held as its log scale.

The log keeps it positive and makes a step multiply it; the bound keeps the softmax from becoming a
hard maximum. The bound is put on the parameter itself, as a clamp in the forward pass would leave
it without a gradient beyond. It costs one number, which needs no weight decay.
"""

import math

import torch
from torch import Tensor, nn


class LearnedTemperature(nn.Module):
    """A positive number that losses divide by.

    Parameters
    ----------
    initial
        Where it starts.
    least
        It does not fall below.

    Raises
    ------
    ValueError
        If not 0 < `least` <= `initial`.

    References
    ----------
    Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision,
    section 2.5: starts at 0.07, log scale clamped at the log of 100.
    """

    def __init__(self, initial: float = 0.07, least: float = 0.01) -> None:
        super().__init__()
        if not 0 < least <= initial:
            raise ValueError(f"found least {least}, initial {initial}; expected 0 < least <= both")
        self.log_scale = nn.Parameter(torch.tensor(-math.log(initial)))
        self._highest = -math.log(least)

    def forward(self) -> Tensor:
        """Return the temperature.

        Returns
        -------
        Tensor
            Shape (), at least `least`.
        """
        with torch.no_grad():
            self.log_scale.clamp_(max=self._highest)
        return torch.exp(-self.log_scale)
