import numpy as np
import pytest

from mmpipeline.config import SyntheticConfig
from mmpipeline.talk.data import generate
from mmpipeline.talk.measure.query_maps import map_queries
from mmpipeline.talk.measure.suite import SyntheticSuite, concatenate


@pytest.fixture(scope="module")
def suite() -> SyntheticSuite:
    config = SyntheticConfig(
        classes=6,
        known_classes=3,
        scopes=(3, 6),
        pool_per_class=20,
        test_per_class=15,
        deviation_range=(0.01, 0.02),
    )
    return SyntheticSuite(generate(config))


def test_maps_as_many_queries_of_each_class_of_a_scope(suite: SyntheticSuite) -> None:
    table = map_queries(suite, "raw", concatenate, queries=60, scopes=(3, 6))
    assert table.groupby("scope")["label"].value_counts().unstack().loc[6].tolist() == [10.0] * 6
    assert table.query("scope == 3")["label"].value_counts().tolist() == [15] * 3
    assert (table["is_known"] == (table["label"] < 3)).all()


def test_classes_that_lie_apart_lie_apart_on_the_map(suite: SyntheticSuite) -> None:
    table = map_queries(suite, "raw", concatenate, queries=90, scopes=(6,))
    again = map_queries(suite, "raw", concatenate, queries=90, scopes=(6,))
    assert table.equals(again)
    places = table[["x", "y"]].to_numpy()
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(len(places))
    label = table["label"].to_numpy()
    assert (label[gaps.argmin(axis=1)] == label).mean() > 0.95
