"""The gate compares a version with the one that answers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import PromotionConfig
from mmpipeline.search.current import current_version
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.release.gate import examine, lost_share
from mmpipeline.search.release.golden_queries import draw_golden_queries
from mmpipeline.storage import DataLayout


@pytest.fixture
def versions(
    world: Path, published: DataLayout, publish_another: Callable[[], str]
) -> tuple[str, str]:
    """Two finished versions over the same recipes."""
    first = current_version(published)
    assert first is not None
    draw_golden_queries(published, world / "asking", 50)
    return first, publish_another()


def test_items_must_not_disappear(published: DataLayout, versions: tuple[str, str]) -> None:
    first, second = (SearchIndex.open(published, version) for version in versions)
    assert lost_share(first, second) == 0
    alive = np.arange(second._parts.items.num_rows) >= 6
    second._parts = replace(second._parts, alive=alive)
    assert lost_share(first, second) == pytest.approx(6 / len(first))


def test_the_figures_of_both_lie_side_by_side(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    first, second = versions
    figures, objections = examine(published, second, first, PromotionConfig())
    assert objections == []
    assert figures["title_recall_at_1_before"] == figures["title_recall_at_1"]
    assert figures["lost_items_share"] == 0
    alone, _ = examine(published, second, None, PromotionConfig())
    assert "lost_items_share" not in alone


def test_a_recall_below_the_floor_is_an_objection(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    demanding = PromotionConfig(min_recall_at_10=1.0).model_copy(update={"min_recall_at_10": 1.1})
    _, objections = examine(published, versions[1], versions[0], demanding)
    assert objections == ["recall at 10 is 1.000, the floor 1.1"]
