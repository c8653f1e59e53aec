"""Prototypes of dishes, named subsets and enrolled classes, and three distances to them.

``mean``: the cosine to the mean direction (prototypical networks). ``nearest``: the cosine to the
nearest of K kept items, which suits a subset of several kinds ("recipes of 2023"). ``gaussian``:
the log density, per dimension, of a Gaussian with a diagonal covariance that is shrunk towards the
one pooled over all subsets, so that a class of a handful of examples has one too.

References
----------
Snell et al., "Prototypical networks for few-shot learning", 2017, eq. 1 (mean). Friedman,
"Regularized discriminant analysis", 1989, eq. 14 (shrinkage towards the pooled covariance).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np

from mmpipeline.arrays import Float32Array, Float64Array, IndexArray, Int64Array
from mmpipeline.errors import ArtifactError
from mmpipeline.models.rounding import tie_width
from mmpipeline.search.results import SubsetKind
from mmpipeline.search.vectors.ties import rank
from mmpipeline.storage.atomic import write_json_atomic

Rule = Literal["mean", "nearest", "gaussian"]

PRIOR_ITEMS = 10
"""How many items the pooled covariance counts as, beside a subset's own."""
LEAST_VARIANCE = 1e-6


@dataclass(frozen=True, slots=True)
class SubsetInfo:
    """What is known of a subset.

    Attributes
    ----------
    subset
        Key of a dish, or name.
    kind
        ``dish``, ``named`` or ``enrolled``.
    items
        How many recipes, or examples, the prototype is made from.
    is_known
        Whether the model was trained on the dish.
    """

    subset: str
    kind: SubsetKind
    items: int
    name_ko: str | None = None
    name_en: str | None = None
    is_known: bool = False

    @property
    def name(self) -> str | None:
        """What people call it: the Korean name where there is one, else the English one."""
        return self.name_ko or self.name_en


@dataclass(frozen=True, slots=True)
class Sample:
    """What of a subset's vectors its prototypes need.

    Attributes
    ----------
    total, squares
        Shape (E,): sums of the vectors and of their squares.
    items
        How many were summed.
    kept
        Shape (at most K, E): some of them.
    """

    total: Float64Array
    squares: Float64Array
    items: int
    kept: Float32Array

    @classmethod
    def of(cls, vectors: Float32Array, references: int) -> Self:
        """Take a sample of vectors, shape (M, E), all of them at hand."""
        wide = vectors.astype(np.float64)
        chosen = np.unique(np.linspace(0, len(vectors) - 1, references).astype(np.intp))
        return cls(wide.sum(axis=0), (wide**2).sum(axis=0), len(vectors), vectors[chosen])

    @classmethod
    def join(cls, samples: Sequence[Self], references: int) -> Self:
        """Add samples of one subset up; of their kept vectors, evenly many stay."""
        kept = np.concatenate([sample.kept for sample in samples])
        chosen = np.unique(np.linspace(0, len(kept) - 1, references).astype(np.intp))
        return cls(
            np.sum([sample.total for sample in samples], axis=0),
            np.sum([sample.squares for sample in samples], axis=0),
            sum(sample.items for sample in samples),
            kept[chosen],
        )


class Prototypes:
    """The prototypes of an index.

    Parameters
    ----------
    infos
        Length S.
    means
        Shape (S, E), of unit length.
    variances
        Shape (S, E), as estimated, or 0 for a subset of one.
    centres
        Shape (S, E), the plain means.
    kept, owners
        Shapes (T, E) and (T,): kept items and the number of their subset, ascending.
    """

    def __init__(
        self,
        infos: Sequence[SubsetInfo],
        means: Float32Array,
        variances: Float32Array,
        centres: Float32Array,
        kept: Float32Array,
        owners: Int64Array,
    ) -> None:
        self.infos = list(infos)
        self.means = means
        self._variances, self._centres = variances, centres
        self._kept, self._owners = kept, owners

    @classmethod
    def make(cls, infos: Sequence[SubsetInfo], samples: Sequence[Sample], dim: int) -> Self:
        """Make prototypes from samples of the subsets.

        Parameters
        ----------
        infos, samples
            Of each subset.
        dim
            E.

        Returns
        -------
        Prototypes
            Subsets whose mean has no direction are left out.
        """
        usable = [position for position, s in enumerate(samples) if np.linalg.norm(s.total) > 0]
        infos, samples = (
            [infos[position] for position in usable],
            [samples[position] for position in usable],
        )
        means = np.zeros((len(infos), dim), np.float32)
        centres = np.zeros((len(infos), dim), np.float32)
        variances = np.zeros((len(infos), dim), np.float32)
        for position, sample in enumerate(samples):
            means[position] = sample.total / np.linalg.norm(sample.total)
            centre = sample.total / sample.items
            centres[position] = centre
            variances[position] = np.maximum(sample.squares / sample.items - centre**2, 0)
        kept = [sample.kept.astype(np.float32) for sample in samples]
        owners = np.repeat(np.arange(len(kept)), [len(part) for part in kept]).astype(np.int64)
        joined = np.concatenate(kept) if kept else np.zeros((0, dim), np.float32)
        return cls(infos, means, variances, centres, joined, owners)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the prototypes of a version.

        Raises
        ------
        ArtifactError
            If the files do not fit together.
        """
        infos = [
            SubsetInfo(**entry) for entry in json.loads((folder / "subsets.json").read_bytes())
        ]
        with np.load(folder / "prototypes.npz", allow_pickle=False) as arrays:
            names = ("means", "variances", "centres", "kept", "owners")
            means, variances, centres, kept, owners = (arrays[name] for name in names)
        shapes = {means.shape, variances.shape, centres.shape}
        if shapes != {(len(infos), kept.shape[1])} or len(kept) != len(owners):
            raise ArtifactError(f"{folder}: prototypes and subsets.json differ; publish again")
        return cls(infos, means, variances, centres, kept, owners)

    def write(self, folder: Path) -> None:
        """Write `subsets.json` and `prototypes.npz` into a folder."""
        write_json_atomic(folder / "subsets.json", [asdict(info) for info in self.infos])
        with (folder / "prototypes.npz").open("wb") as file:
            np.savez(
                file,
                means=self.means,
                variances=self._variances,
                centres=self._centres,
                kept=self._kept,
                owners=self._owners,
            )

    @property
    def dim(self) -> int:
        """E."""
        return int(self.means.shape[1])

    def find(self, subset: str) -> int | None:
        """Return the number of a subset by its key or name; None when there is none."""
        names = [info.subset for info in self.infos]
        return names.index(subset) if subset in names else None

    def sample(self, position: int) -> Sample:
        """Return what the prototypes of subset number `turn` were made from."""
        items = self.infos[position].items
        centre = self._centres[position].astype(np.float64)
        squares = (self._variances[position].astype(np.float64) + centre**2) * items
        return Sample(centre * items, squares, items, self._kept[self._owners == position])

    def scores(self, query: Float32Array, rule: Rule = "mean") -> Float64Array:
        """Score every subset; greater is nearer.

        Parameters
        ----------
        query
            Shape (E,), of unit length.
        rule
            Which distance.

        Returns
        -------
        numpy.ndarray
            Shape (S,): cosines for ``mean`` and ``nearest``, log densities per dimension for
            ``gaussian``.
        """
        wide = query.astype(np.float64)
        if rule == "nearest":
            best = np.full(len(self.infos), -np.inf)
            np.maximum.at(best, self._owners, self._kept.astype(np.float64) @ wide)
            return best
        if rule == "gaussian":
            return self._log_density(wide)
        cosines: Float64Array = (self.means.astype(np.float64) * wide).sum(axis=1)
        return cosines

    def rank(
        self, query: Float32Array, k: int, among: Sequence[int] | None = None, rule: Rule = "mean"
    ) -> tuple[IndexArray, Float64Array]:
        """Rank subsets by their scores; ties (see `ties`) in the order of the subsets.

        Parameters
        ----------
        query, rule
            As for `scores`.
        k
            How many; all when there are not so many.
        among
            Numbers of the only subsets to rank. None means all.

        Returns
        -------
        numbers : numpy.ndarray of intp
            Of the subsets, best first.
        scores : numpy.ndarray of float64
            Of the same shape, descending; those of a tie are that of its best.
        """
        chosen = np.arange(len(self.infos)) if among is None else np.array(among, dtype=np.intp)
        return rank(chosen, self.scores(query, rule)[chosen], k, tie_width(self.dim))

    def _log_density(self, query: Float64Array) -> Float64Array:
        items = np.array([info.items for info in self.infos], dtype=np.float64)[:, None]
        own = self._variances.astype(np.float64)
        pooled = (own * items).sum(axis=0) / max(items.sum(), 1)
        shrunk = (own * items + PRIOR_ITEMS * pooled) / (items + PRIOR_ITEMS)
        shrunk = np.maximum(shrunk, LEAST_VARIANCE)
        off = (query - self._centres.astype(np.float64)) ** 2 / shrunk
        density: Float64Array = -0.5 * (off + np.log(2 * np.pi * shrunk)).mean(axis=1)
        return density

    def with_subset(self, info: SubsetInfo, sample: Sample) -> "Prototypes":
        """Return prototypes with one more subset, or with another in place of one of that name."""
        keep = [
            position for position, known in enumerate(self.infos) if known.subset != info.subset
        ]
        one = Prototypes.make([info], [sample], self.dim)
        stays = np.isin(self._owners, keep)
        renumbered = np.searchsorted(keep, self._owners[stays])
        return Prototypes(
            [*(self.infos[position] for position in keep), *one.infos],
            np.concatenate([self.means[keep], one.means]),
            np.concatenate([self._variances[keep], one._variances]),
            np.concatenate([self._centres[keep], one._centres]),
            np.concatenate([self._kept[stays], one._kept]),
            np.concatenate([renumbered, one._owners + len(keep)]).astype(np.int64),
        )
