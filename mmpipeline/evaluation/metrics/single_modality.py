"""The closed form of one modality: ridge regression onto the known dishes.

Features of one modality are mapped to a score for each dish that training knew, by
``W = (X'X + a I)^-1 X'Y`` with X standardised and Y centred one-hot; a recipe is then its vector
of scores. No epochs, no seed, nothing to tune but one ridge: what a fused model must beat to be
worth its training. Rows beyond a cap are left out of the fit, so the cost is bounded.

References
----------
Hoerl and Kennard 1970, Ridge Regression, equation 2.1.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.schemas import MODALITIES, Modality

MAX_ROWS = 20_000
RIDGE = 0.1  # of the mean eigenvalue
DEVIATION_FLOOR = 0.1  # of the root mean square


class SingleModality:
    """Scores recipes for the dishes of training by one modality.

    Parameters
    ----------
    features
        The feature set.
    modality
        The one that is read.
    rows
        Shape (R,), labelled recipes that may be learned from.
    dish
        Shape (N,), codes of all recipes' dishes.
    """

    def __init__(
        self, features: FeatureSet, modality: Modality, rows: Int64Array, dish: Int64Array
    ) -> None:
        self._features = features
        self._modality: Modality = modality
        self.dishes = np.unique(dish[rows])  # also those that no recipe shows in this modality
        rows = rows[features.presence[rows, MODALITIES.index(modality)]]
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_ROWS)).astype(np.int64)]
        label = np.searchsorted(self.dishes, dish[rows])
        values = self._read(rows)
        self._mean = values.mean(dim=0) if len(rows) else torch.zeros(values.shape[1])
        deviation = values.std(dim=0, correction=0) if len(rows) else torch.ones(values.shape[1])
        floor = DEVIATION_FLOOR * deviation.square().mean().sqrt()
        self._scale = 1 / deviation.clamp(min=max(float(floor), 1e-6))
        self._weights = self._solve((values - self._mean) * self._scale, torch.from_numpy(label))

    def vectors(self, rows: Int64Array, mask: BoolArray) -> Tensor:
        """Score recipes.

        Parameters
        ----------
        rows
            Shape (B,), rows of the feature set.
        mask
            Shape (B, 4), what each shows.

        Returns
        -------
        Tensor
            Shape (B, dishes of training), unit length; zero where the modality is not shown.
        """
        scores = ((self._read(rows) - self._mean) * self._scale) @ self._weights
        shown = torch.from_numpy(mask[:, MODALITIES.index(self._modality)])
        return torch.where(shown[:, None], functional.normalize(scores, dim=1), 0.0)

    def _read(self, rows: Int64Array) -> Tensor:
        matrix = self._features.matrix(self._modality)
        return torch.from_numpy(np.asarray(matrix[rows], dtype=np.float32))

    def _solve(self, values: Tensor, label: Tensor) -> Tensor:
        if not len(values):
            return torch.zeros(values.shape[1], len(self.dishes))
        target = functional.one_hot(label, len(self.dishes)).double()
        return solve_ridge(values, target - target.mean(dim=0), RIDGE).float()


def solve_ridge(values: Tensor, target: Tensor, ridge: float) -> Tensor:
    """Solve for ridge weights in double precision, on the smaller side of the matrix.

    Parameters
    ----------
    values
        Shape (R, D), centred, at least one row.
    target
        Shape (R, C), float64, centred.
    ridge
        Of the mean eigenvalue of ``X'X``.

    Returns
    -------
    Tensor
        Shape (D, C), float64: ``(X'X + a I)^-1 X'Y``; zeros where all values are.
    """
    rows, width = values.shape
    values = values.double()
    strength = ridge * values.square().sum() / min(rows, width)
    if not strength:  # one row, or equal ones
        return torch.zeros(width, target.shape[1], dtype=torch.float64)
    if rows < width:
        gram = values @ values.T + strength * torch.eye(rows, dtype=torch.float64)
        dual: Tensor = values.T @ torch.linalg.solve(gram, target)
        return dual
    gram = values.T @ values + strength * torch.eye(width, dtype=torch.float64)
    weights: Tensor = torch.linalg.solve(gram, values.T @ target)
    return weights
