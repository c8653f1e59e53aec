"""Choosing weights by classes that training never sees.

A net trained on few classes throws away what separates the others, and a score on the trained
classes does not show it. So some of the known classes are held out of training, and after each
round their items are classified by the mean embeddings of a few references. The price is fewer
classes to train on.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mmpipeline.arrays import Int64Array
from mmpipeline.errors import StageError


def hold_out_classes(
    labels: NDArray[np.integer], share: float, seed: int
) -> tuple[Int64Array, Int64Array]:
    """Split rows so that no class is on both sides.

    Parameters
    ----------
    labels
        Shape (N,), the class of each row.
    share
        Of the classes, rounded, that are held out.
    seed
        Of the choice.

    Returns
    -------
    trained, held_out : numpy.ndarray
        Row numbers, ascending.

    Raises
    ------
    StageError
        If fewer than two classes would be on a side.
    """
    classes = np.unique(labels)
    count = round(share * len(classes))
    if count < 2 or len(classes) - count < 2:
        raise StageError(
            f"{share:g} of {len(classes)} classes leaves {count} held out and "
            f"{len(classes) - count} to train on; at least two are needed on each side"
        )
    chosen = np.random.default_rng(seed).permutation(classes)[:count]
    is_held_out = np.isin(labels, chosen)
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


class ClassSelector:
    """Scores a module by prototypes of held-out classes: the selector of `Hooks`.

    Parameters
    ----------
    embed
        Embeds all held-out rows, shape (R, E), with a module.
    labels
        Shape (R,), their classes.
    references
        K, the rows of each class that its prototype is the mean of; the rest asks.
    seed
        Of the draw of references, the same for every round.

    Raises
    ------
    StageError
        If a class has no row left to ask with.
    """

    def __init__(
        self,
        embed: Callable[[nn.Module], Tensor],
        labels: NDArray[np.integer],
        references: int,
        seed: int,
    ) -> None:
        self._embed = embed
        classes, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        if sizes.min() <= references:
            name = classes[sizes.argmin()]
            raise StageError(
                f"class {name} has {sizes.min()} rows; more than {references} references are needed"
            )
        shuffled = np.random.default_rng(seed).permutation(len(labels))
        order = shuffled[np.argsort(codes[shuffled], kind="stable")]
        place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self._references = torch.from_numpy(order[place < references].reshape(-1, references))
        self._queries = torch.from_numpy(order[place >= references])
        self._classes = torch.from_numpy(codes[order[place >= references]])

    def __call__(self, module: nn.Module) -> Mapping[str, float]:
        """Classify the queries by the nearest prototype, by cosine.

        Parameters
        ----------
        module
            In evaluation mode.

        Returns
        -------
        dict
            ``val_score``: the share of queries whose class is first, classes weighing alike.
        """
        vectors = functional.normalize(self._embed(module), dim=1)
        prototypes = functional.normalize(vectors[self._references].mean(dim=1), dim=1)
        nearest = (vectors[self._queries] @ prototypes.T).argmax(dim=1)
        right = (nearest == self._classes).double()
        sizes = torch.bincount(self._classes).double()
        return {"val_score": float((torch.bincount(self._classes, right) / sizes).mean())}
