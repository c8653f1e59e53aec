"""How far two float32 results of one computation may differ: bounds derived, not guessed.

A float32 dot product of n terms, added in whatever order, is within ``n u sum(|x| |y|)`` of the
exact one, with u = 2**-24 (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, eq.
3.5). Two kernels, shapes or batch sizes may each be off by that, in opposite directions.
"""

import copy

import torch
from torch import Tensor, nn

UNIT_ROUNDOFF = 2.0**-24
_STEEPEST = 1.1  # the largest slope of SiLU
_OF_ACTIVATION = 8  # units in the last place that an activation may be off, generously


def network_bound(network: nn.Sequential, inputs: Tensor) -> Tensor:
    """Return how far two float32 evaluations of a network may differ, element by element.

    Parameters
    ----------
    network
        Of linear layers and activations no steeper than SiLU.
    inputs
        Shape (..., D), float32, taken as exact.

    Returns
    -------
    Tensor
        Of the outputs' shape, float64.
    """
    value, off = inputs.double(), torch.zeros_like(inputs, dtype=torch.float64)
    with torch.no_grad():
        for layer in copy.deepcopy(network).double():
            if isinstance(layer, nn.Linear):
                size = value.abs() @ layer.weight.abs().T + layer.bias.abs()
                terms = layer.in_features + 1
                off = off @ layer.weight.abs().T
                off += 1.01 * terms * UNIT_ROUNDOFF * (size + off)  # 1.01: terms of second order
                value = layer(value)
            else:
                value = layer(value)
                off = _STEEPEST * off + _OF_ACTIVATION * UNIT_ROUNDOFF * value.abs()
    return 2 * off
