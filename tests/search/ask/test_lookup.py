"""Rows are found by id, subset and filter; those of deleted recipes never are."""

from dataclasses import replace

import numpy as np
import pytest

from mmpipeline.errors import NotFoundError
from mmpipeline.search.ask.lookup import RowLookup
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Filters


@pytest.fixture
def lookup(index: SearchIndex) -> RowLookup:
    """Of a version whose first six rows were deleted."""
    alive = np.arange(index._parts.items.num_rows) >= 6
    return RowLookup("v", replace(index._parts, alive=alive))


def test_a_deleted_recipe_is_not_found(lookup: RowLookup, index: SearchIndex) -> None:
    ids = index.columns_at(np.arange(24), ("recipe_id",))["recipe_id"]
    assert lookup.row_of(ids[6]) == 6
    with pytest.raises(NotFoundError, match="index v"):
        lookup.row_of(ids[5])
    assert lookup.rows_of([ids[9], "r1m:nowhere", ids[5], ids[7]]).tolist() == [7, 9]
    assert lookup.rows_of([]).tolist() == []
    assert lookup.living.num_rows == 18
    assert lookup.read(6)["recipe_id"] == ids[6]
    assert "fingerprint" not in lookup.read(6)


def test_subsets_and_filters_leave_the_deleted_out(lookup: RowLookup) -> None:
    counted = {dish: len(lookup.subset_rows(dish)) for dish in ("bibimbap", "kimchi-jjigae")}
    assert counted == {dish: lookup.sizes[dish] for dish in counted}
    rows = lookup.choose_rows(Filters(language=("ko",)), "bibimbap")
    assert rows is not None
    assert rows.min() >= 6
    assert len(rows) == counted["bibimbap"]
    assert lookup.choose_rows(None, None) is None
    with pytest.raises(NotFoundError, match="expected one such as bibimbap"):
        lookup.subset_rows("pizza")
