"""Float32's rounding: how far apart two scores must be before a machine can tell them apart.

Kernels differ between CPUs, shapes and numbers of threads in the order in which they add. So
whatever puts scores in an order treats those as a tie that some order of adding could exchange.

References
----------
Higham, "Accuracy and Stability of Numerical Algorithms", 2002, eq. 3.5 (error of a dot product).
"""

UNIT_ROUNDOFF = 2.0**-24
"""Largest relative error of rounding to float32."""


def tie_width(dim: int) -> float:
    """Return how far apart scores of unit vectors must be to count as different.

    Parameters
    ----------
    dim
        E, length of the vectors.

    Returns
    -------
    float
        ``E * 2**-24``: the largest error of a dot product of E terms in float32, in whatever order
        they are added.
    """
    return dim * UNIT_ROUNDOFF
