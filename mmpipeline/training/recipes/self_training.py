"""Labels that a trained model proposes for recipes without one, and dishes that it joins.

A recipe whose title names no dish has no label, though its ingredients, steps and photo tell it
well. A first model reads all of it and names the nearest dish; the surest proposals become labels
of a second training, which so learns what titles without a name look like. And a dish that only
Korean titles name and one that only English titles name are joined when each is the other's
nearest: photos are alike in both languages, so the same dish lies in one place. Only recipes of the
train split are read, and only their labels change, nowhere but in the training that follows.

References
----------
Lee 2013, Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mmpipeline.arrays import BoolArray, Float32Array, Int32Array, Int64Array
from mmpipeline.storage.parquet import read_parquet
from mmpipeline.training.pairs.reader import PAIRS_FILE

BLOCK_ROWS = 8192  # recipes that are compared with all dishes at once


@dataclass(frozen=True, slots=True)
class Proposals:
    """New labels, and how many there are.

    Attributes
    ----------
    dish
        Shape (N,): codes of all recipes' dishes, -1 where there is none.
    labelled
        Recipes that got a label.
    joined
        Pairs of dishes that became one.
    """

    dish: Int32Array
    labelled: int
    joined: int


def propose_labels(
    vectors: Tensor, rows: Int32Array, dish: Int32Array, speaks: NDArray[np.int8], share: float
) -> Proposals:
    """Label what has no label by the nearest dish, and join dishes across languages.

    Parameters
    ----------
    vectors
        Shape (R, E), rows of unit length: the training recipes with all that they have.
    rows
        Shape (R,), their rows among all recipes.
    dish
        Shape (N,), codes of all recipes' dishes, -1 for none.
    speaks
        Shape (R,), a code for each recipe's language, -1 when not known.
    share
        Of the unlabelled recipes, the surest that get a label: 0 to 1; never more than have one.

    Returns
    -------
    Proposals
        Labels of all N recipes; those outside of `rows` as before.
    """
    own = dish[rows]
    dishes = np.unique(own[own >= 0])
    if not len(dishes):
        return Proposals(dish.copy(), 0, 0)
    label = np.searchsorted(dishes, own)
    prototypes = torch.zeros(len(dishes), vectors.shape[1])
    known = np.flatnonzero(own >= 0)
    prototypes.index_add_(0, torch.from_numpy(label[known]), vectors[torch.from_numpy(known)])
    prototypes = functional.normalize(prototypes, dim=1)
    proposed = dish.copy()
    open_ = np.flatnonzero(own < 0)
    chosen, margin = _nearest(vectors[torch.from_numpy(open_)], prototypes)
    most = min(round(share * len(open_)), len(known))
    sure = np.argsort(-margin, kind="stable")[:most]
    proposed[rows[open_[sure]]] = dishes[chosen[sure]]
    pairs = _join(prototypes, _languages_of(label[known], speaks[known], len(dishes)))
    for first, second in pairs:
        proposed[proposed == dishes[second]] = dishes[first]
    return Proposals(proposed, len(sure), len(pairs))


def read_languages(pairs: Path, recipe_ids: list[str], rows: Int32Array) -> NDArray[np.int8]:
    """Read the languages of anchors from a pair table.

    Parameters
    ----------
    pairs
        Folder of a pairs artifact.
    recipe_ids
        Length N, names of all recipes.
    rows
        Shape (R,), the recipes asked about.

    Returns
    -------
    numpy.ndarray
        Shape (R,): codes of languages, -1 for a recipe that starts no pair.
    """
    table = read_parquet(pairs / PAIRS_FILE, ["left_image", "left_text", "language_pair"])
    frame = table.to_pandas().drop_duplicates(["left_image", "left_text"])
    name = frame["left_text"].astype("object").fillna(frame["left_image"].astype("object"))
    language = frame["language_pair"].astype("string").str.split("-").str[0]
    codes = pd.Series(pd.factorize(language, sort=True)[0], index=name).groupby(level=0).first()
    asked = [recipe_ids[row] for row in rows]
    return codes.reindex(asked).fillna(-1).to_numpy(dtype=np.int8)


def _nearest(vectors: Tensor, prototypes: Tensor) -> tuple[Int64Array, Float32Array]:
    """Return each vector's nearest prototype and its lead over the second."""
    most = min(2, len(prototypes))
    best = [(block @ prototypes.T).topk(most, dim=1) for block in torch.split(vectors, BLOCK_ROWS)]
    scores = torch.cat([found.values for found in best])
    nearest = torch.cat([found.indices[:, 0] for found in best])
    return nearest.numpy(), (scores[:, 0] - scores[:, -1]).numpy()


def _languages_of(label: Int64Array, speaks: NDArray[np.int8], dishes: int) -> BoolArray:
    """Shape (C, L): whether any recipe of a dish is in a language."""
    spoken = np.zeros((dishes, int(speaks.max(initial=0)) + 1), dtype=np.bool_)
    spoken[label[speaks >= 0], speaks[speaks >= 0]] = True
    return spoken


def _join(prototypes: Tensor, spoken: BoolArray) -> list[tuple[int, int]]:
    """Pair dishes that have one language each, not the same, and are each other's nearest."""
    single = np.flatnonzero(spoken.sum(axis=1) == 1)
    if len(single) < 2:
        return []
    language = spoken[single].argmax(axis=1)
    chosen = prototypes[torch.from_numpy(single)]
    scores = (chosen @ chosen.T).numpy()
    scores[language[:, None] == language[None, :]] = -np.inf
    nearest = scores.argmax(axis=1)
    return [
        (int(single[first]), int(single[second]))
        for first, second in enumerate(nearest)
        if first < second and nearest[second] == first and np.isfinite(scores[first, second])
    ]
