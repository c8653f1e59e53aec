"""Random subsets of modalities, so that one model learns to embed any of them.

Each item draws uniformly among the nonempty subsets of what it has. A mixed item (photo of one
recipe, text of another) always shows its photo and some text: with either hidden it would be an
ordinary item, and its label as a negative would be false.
"""

import numpy as np

from mmpipeline.arrays import BoolArray


def draw_masks(
    presence: BoolArray, is_mixed: BoolArray, generator: np.random.Generator
) -> BoolArray:
    """Draw what each item shows.

    Parameters
    ----------
    presence
        Shape (T, M), what each item has, the photo in column 0; no row may be empty.
    is_mixed
        Shape (T,), whether photo and text come from different recipes.
    generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (T, M), bool, within `presence`, no row empty.
    """
    masks = draw_subsets(presence, generator)
    text = presence[is_mixed, 1:]
    masks[is_mixed, 0] = presence[is_mixed, 0]
    masks[is_mixed, 1:] = draw_subsets(text, generator)
    return masks


def draw_subsets(presence: BoolArray, generator: np.random.Generator) -> BoolArray:
    """Draw a nonempty subset of each row's true entries, uniformly.

    A number from 1 to 2^k - 1 is drawn for a row with k true entries; its bits are the subset.

    Parameters
    ----------
    presence
        Shape (T, M); a row without a true entry stays empty.
    generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (T, M), bool.
    """
    counts = presence.sum(axis=1)
    numbers = generator.integers(1, np.maximum(2**counts, 2))
    positions = np.cumsum(presence, axis=1) - 1
    chosen = (numbers[:, None] >> np.maximum(positions, 0)) & 1
    subsets: BoolArray = presence & chosen.astype(np.bool_)
    return subsets
