"""Nonempty subsets of modalities, in the order of the talk's table: singles, pairs, all three."""

from itertools import combinations

Subset = tuple[int, ...]
"""Numbers of the modalities that are shown, ascending."""


def all_subsets(modalities: int) -> list[Subset]:
    """List the nonempty subsets, smaller ones first.

    Parameters
    ----------
    modalities
        M.

    Returns
    -------
    list of tuple of int
        ``2^M - 1`` subsets; for three: (0), (1), (2), (0,1), (0,2), (1,2), (0,1,2).
    """
    numbers = range(modalities)
    return [subset for size in numbers for subset in combinations(numbers, size + 1)]


def subset_name(subset: Subset) -> str:
    """Name a subset as the talk's table does, such as ``0, 1``."""
    return ", ".join(map(str, subset))
