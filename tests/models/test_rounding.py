"""What float32 does to dot products of unit vectors lies within the errors that are named."""

import numpy as np
import pytest

from mmpipeline.models.rounding import largest_error, tie_width


@pytest.mark.parametrize("dim", [4, 256, 640])
def test_products_added_in_any_order_stay_within_both_errors(dim: int) -> None:
    random = np.random.default_rng(dim)
    for _ in range(20):
        one, two = random.normal(size=(2, dim))
        one = (one / np.linalg.norm(one)).astype(np.float32)
        two = (two / np.linalg.norm(two)).astype(np.float32)
        exact = float((one.astype(np.float64) * two).sum())
        orders = [random.permutation(dim) for _ in range(10)]
        found = [float(np.add.accumulate(one[order] * two[order])[-1]) for order in orders]
        assert max(abs(score - exact) for score in found) <= largest_error(dim)
        assert max(found) - min(found) <= tie_width(dim)


def test_the_width_of_a_tie_grows_with_the_root_and_stays_below_the_bound() -> None:
    assert tie_width(640) == pytest.approx(2 * tie_width(160))
    assert tie_width(640) < largest_error(640)
