"""Embeddings as a map: t-SNE in two panels, as the talk shows them.

Known classes are dots, unknown ones crosses, so that one sees whether classes that training never
saw hold together as well. A map shows neighbourhoods, not distances; it proves nothing that the
tables do not say.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from torch import Tensor

from mmpipeline.arrays import Float64Array, Int64Array

PANELS = (("Known & Unknown", 51), ("All", 100))


def project_tsne(vectors: Tensor, seed: int, perplexity: float = 30.0) -> Float64Array:
    """Lay vectors out in the plane.

    Parameters
    ----------
    vectors
        Shape (N, E), N at least 4; cosines decide who is a neighbour.
    seed
        Of the start.
    perplexity
        About how many neighbours count; less than N / 3 is used in any case.

    Returns
    -------
    numpy.ndarray
        Shape (N, 2).

    References
    ----------
    van der Maaten and Hinton 2008, Visualizing Data using t-SNE.
    """
    width = min(perplexity, (len(vectors) - 1) / 3)
    model = TSNE(perplexity=width, metric="cosine", init="random", random_state=seed, n_jobs=1)
    places: Float64Array = model.fit_transform(vectors.double().numpy())
    return places


def draw_tsne(places: Float64Array, label: Int64Array, known_classes: int, path: Path) -> None:
    """Draw one panel for each of `PANELS`, limited to its first classes.

    Parameters
    ----------
    places
        Shape (N, 2), of `project_tsne`.
    label
        Shape (N,), classes.
    known_classes
        Classes below this number are known.
    path
        PNG to write.
    """
    with mpl.rc_context({"font.size": 10, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(11, 5.2), dpi=120, layout="constrained")
        for axes, (name, classes) in zip(figure.subplots(1, 2), PANELS, strict=True):
            shown = label < classes
            _draw_panel(axes, places[shown], label[shown], known_classes)
            axes.set_title(f"{name} (0-{min(classes, int(label.max()) + 1) - 1})")
        figure.savefig(path, metadata={"Software": None})


def _draw_panel(axes: Axes, places: Float64Array, label: Int64Array, known_classes: int) -> None:
    colours = mpl.colormaps["hsv"](label * 0.61803 % 1)  # neighbours in number far apart in colour
    for is_group, marker, name in (
        (label < known_classes, "o", "known"),
        (label >= known_classes, "x", "unknown"),
    ):
        if is_group.any():
            x, y = places[is_group].T
            axes.scatter(x, y, s=9, marker=marker, c=colours[is_group], linewidths=0.8, label=name)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(loc="lower right", fontsize=8)


def choose_per_class(label: Int64Array, per_class: int) -> Int64Array:
    """Choose the first rows of each class.

    Parameters
    ----------
    label
        Shape (Q,), classes.
    per_class
        At most so many of each.

    Returns
    -------
    numpy.ndarray
        Row numbers, ascending.
    """
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], label[order], side="left")
    return np.sort(order[np.arange(len(label)) - first < per_class])
