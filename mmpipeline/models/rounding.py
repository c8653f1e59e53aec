"""Float32's rounding: how far off a product is, and when two scores are too close to tell apart.

Kernels differ between CPUs, shapes and numbers of threads in the order in which they add. What
must hold is proved with the largest error that any order can make. That error grows with the
number of terms, but roundings go up as well as down, so what occurs grows with its root: whatever
puts scores in an order treats those as a tie that are closer together than that, and gives away
no more of the exact order than it has to.

References
----------
Higham, "Accuracy and Stability of Numerical Algorithms", 2002, eq. 3.5. Higham and Mary, "A new
approach to probabilistic rounding error analysis", 2019, theorem 2.4.
"""

from math import sqrt

UNIT_ROUNDOFF = 2.0**-24
"""Largest relative error of rounding to float32."""


def largest_error(dim: int) -> float:
    """Return how far off a float32 dot product of unit vectors can be, however it is added.

    Parameters
    ----------
    dim
        E, length of the vectors.

    Returns
    -------
    float
        ``E * 2**-24``.
    """
    return dim * UNIT_ROUNDOFF


def tie_width(dim: int) -> float:
    """Return how far apart scores of unit vectors must be to count as different.

    Parameters
    ----------
    dim
        E, length of the vectors.

    Returns
    -------
    float
        ``2 * sqrt(E) * 2**-24``: what two float32 dot products of E terms, each off by the root of
        the number of its roundings, may differ by; and never less than one unit in the last place
        of every number of a vector.
    """
    return 2 * sqrt(dim) * UNIT_ROUNDOFF
