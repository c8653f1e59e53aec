"""Validation recipes that ask an index while it is made: calibration and thresholds.

Only validation recipes ask, so that test recipes stay honest questions for the promotion gate.
Each asks with every subset of its parts; copies of itself are no answer, and recipes without a
dish label are neither right nor wrong, and so are those that link sides of the split.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.arrays import BoolArray, Float32Array, Float64Array, IndexArray
from mmpipeline.errors import ArtifactError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.embed import embed_rows, mask_subset
from mmpipeline.models.fusion import FusionModel
from mmpipeline.schemas import MODALITIES, Modality
from mmpipeline.search.load import IndexParts
from mmpipeline.search.vectors.calibration import (
    ALL,
    Calibration,
    choose_threshold,
    fit_curve,
    measure_curve,
)
from mmpipeline.storage.segments import read_recipes

ANSWERS = 200
COUNTED = 10
ASKING_DISHES = 5


@dataclass(frozen=True, slots=True)
class CalibrationQueries:
    """Labelled validation recipes.

    Attributes
    ----------
    rows
        Shape (Q,), rows of the feature set.
    dish, group
        Length Q.
    excluded
        Ids of the recipes that link sides of the split: copies of questions and of trained ones
        at once, so they are no answers.
    """

    rows: IndexArray
    dish: npt.NDArray[np.object_]
    group: npt.NDArray[np.object_]
    excluded: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))


def load_calibration_queries(
    catalog: Path, features: FeatureSet, limit: int, seed: int
) -> CalibrationQueries:
    """Choose who asks.

    Parameters
    ----------
    catalog
        Folder of the catalogue of these features.
    features
        Features of all recipes, in the catalogue's order.
    limit
        How many at most, drawn evenly.
    seed
        Of the draw.

    Returns
    -------
    CalibrationQueries
        May be empty.

    Raises
    ------
    ArtifactError
        If the features were not made from this catalogue.
    """
    columns = ["recipe_id", "dish", "group_id", "split"]
    table = read_recipes(catalog, columns)
    if table.num_rows != len(features):
        raise ArtifactError(
            f"{features.folder} has {len(features)} recipes, {catalog} has {table.num_rows}; "
            "extract the features again"
        )
    asks = pc.and_(pc.equal(table["split"], "val"), pc.is_valid(table["dish"])).to_numpy()
    rows = np.flatnonzero(asks & features.presence.any(axis=1))
    if len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    chosen = table.take(rows)
    dish, group = (
        np.array(chosen[name].to_pylist(), dtype=object) for name in ("dish", "group_id")
    )
    excluded = table["recipe_id"].filter(pc.equal(table["split"], "excluded")).combine_chunks()
    return CalibrationQueries(rows, dish, group, excluded)


def part_subsets() -> Iterator[tuple[Modality, ...]]:
    """Yield every nonempty subset of the modalities, in their order."""
    for size in range(1, len(MODALITIES) + 1):
        yield from combinations(MODALITIES, size)


def embed_calibration_queries(
    model: FusionModel,
    features: FeatureSet,
    questions: CalibrationQueries,
    parts: tuple[Modality, ...],
) -> tuple[IndexArray, Float32Array]:
    """Embed the questions that have all of some parts, by those alone.

    Returns
    -------
    asking : numpy.ndarray
        Shape (n,), numbers of the questions.
    vectors : numpy.ndarray
        Shape (n, E).
    """
    columns = [MODALITIES.index(part) for part in parts]
    asking = np.flatnonzero(features.presence[questions.rows][:, columns].all(axis=1))
    if not len(asking):
        return asking, np.zeros((0, model.embedding_dim), np.float32)
    rows = questions.rows[asking]
    mask = mask_subset(features.presence[rows], parts)
    return asking, embed_rows(model, features, rows, mask).numpy()


class _Pool:
    """Collects scores of one sort by the form of query, and of all forms."""

    def __init__(self) -> None:
        self._parts: dict[str, list[tuple[Float64Array, ...]]] = {}

    def add(self, key: str, *columns: Float64Array) -> None:
        for name in (key, ALL):
            self._parts.setdefault(name, []).append(columns)

    def items(self) -> Iterator[tuple[str, list[Float64Array]]]:
        for key, parts in self._parts.items():
            yield key, [np.concatenate(column) for column in zip(*parts, strict=True)]


def calibrate(
    parts: IndexParts, model: FusionModel, features: FeatureSet, questions: CalibrationQueries
) -> Calibration:
    """Fit what scores mean.

    Parameters
    ----------
    parts
        The index that is being made.
    model, features
        What embeds the questions.
    questions
        Who asks.

    Returns
    -------
    Calibration
        Empty where there is nobody to ask.
    """
    hits, dishes, here, out_of_set = _Pool(), _Pool(), _Pool(), _Pool()
    known = [info.subset for info in parts.prototypes.infos]
    is_dish = np.array([info.kind == "dish" for info in parts.prototypes.infos], dtype=np.bool_)
    dish_names = np.array(known, dtype=object)[is_dish]
    for subset in part_subsets():
        asking, vectors = embed_calibration_queries(model, features, questions, subset)
        if not len(asking):
            continue
        key = "+".join(subset)
        found, scores = parts.space.find_many(vectors, ANSWERS)
        answers = _label(parts.items, found)
        own = answers["group_id"] == questions.group[asking][:, None]
        own |= _are_among(questions.excluded, parts.items, found)
        right = answers["dish"] == questions.dish[asking][:, None]
        labelled = answers["dish"] != None  # noqa: E711 -- elementwise
        counts = ~own & labelled
        first = counts & (np.cumsum(counts, axis=1) <= COUNTED)
        owner = np.broadcast_to(asking[:, None], found.shape)
        hits.add(key, scores[first], right[first].astype(float), owner[first].astype(float))
        here.add(key, _best(scores, ~own)[(right & ~own).any(axis=1)])
        out_of_set.add(key, _best(scores, counts & ~right))
        if len(dish_names):
            near = vectors.astype(np.float64) @ parts.prototypes.means[is_dish].T.astype(float)
            order = np.argsort(-near, axis=1, kind="stable")[:, :ASKING_DISHES]
            is_right = dish_names[order] == questions.dish[asking][:, None]
            owners = np.repeat(asking, order.shape[1]).astype(float)
            close = np.take_along_axis(near, order, axis=1)
            dishes.add(key, close.ravel(), is_right.ravel().astype(float), owners)
    return _fit(hits, dishes, here, out_of_set)


def _fit(hits: _Pool, dishes: _Pool, here: _Pool, out_of_set: _Pool) -> Calibration:
    calibration = Calibration()
    for pool, curves, name in (
        (hits, calibration.hits, "hits"),
        (dishes, calibration.dishes, "dishes"),
    ):
        for key, (scores, right, owner) in pool.items():
            curve = fit_curve(scores, right > 0)
            if curve is not None:
                curves[key] = curve
            if key == ALL and (measured := measure_curve(scores, right > 0, owner.astype(np.intp))):
                calibration.figures[f"{name}_brier"] = round(measured[0], 4)
                calibration.figures[f"{name}_brier_share"] = round(measured[1], 4)
    away = dict(out_of_set.items())
    for key, (best,) in here.items():
        threshold = choose_threshold(best, away[key][0])
        if threshold is not None:
            calibration.thresholds[key] = threshold
    return calibration


def _label(items: pa.Table, rows: IndexArray) -> dict[str, npt.NDArray[np.object_]]:
    """Return dish and group of rows, in the shape of `rows`."""
    flat = np.unique(rows)
    places = np.searchsorted(flat, rows)
    names = ("dish", "group_id")
    taken = items.select(names).take(flat)
    return {name: np.array(taken[name].to_pylist(), dtype=object)[places] for name in names}


def _are_among(ids: pa.Array, items: pa.Table, rows: IndexArray) -> BoolArray:
    """Return which rows are of some recipes, in the shape of `rows`."""
    flat = np.unique(rows)
    found = pc.is_in(items["recipe_id"].take(flat), value_set=ids).to_numpy()
    among: BoolArray = found[np.searchsorted(flat, rows)]
    return among


def _best(scores: Float64Array, counts: BoolArray) -> Float64Array:
    """Return the best counting score of each query; the last one seen where none counts."""
    best: Float64Array = np.where(counts, scores, scores[:, -1:]).max(axis=1)
    return best
