"""A version answers only if it passes the gate; a rollback undoes it; one publisher wins."""

import fcntl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mmpipeline.config import PromotionConfig
from mmpipeline.errors import ArtifactError, BusyError
from mmpipeline.search.current import current_version, promote
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.search.release.golden_queries import draw_golden_queries
from mmpipeline.search.release.promotion import release, roll_back
from mmpipeline.search.release.record import challenger, read_releases, was_refused
from mmpipeline.search.results import SearchResult
from mmpipeline.storage import DataLayout

EASY = PromotionConfig(tolerance=1, max_lost_items=1)


@pytest.fixture
def versions(
    world: Path, published: DataLayout, publish_another: Callable[[], str]
) -> tuple[str, str]:
    """Two finished versions; the first one answers."""
    first = current_version(published)
    assert first is not None
    second = publish_another()
    promote(published, first)
    draw_golden_queries(published, world / "asking", 50)
    return first, second


def test_a_version_that_is_as_good_answers(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    first, second = versions
    decision = release(published, second, PromotionConfig(), first)
    assert (decision.action, decision.before) == ("promoted", first)
    assert decision.figures["full_recall_at_1"] == decision.figures["full_recall_at_1_before"]
    assert decision.figures["lost_items_share"] == 0
    assert current_version(published) == second
    assert challenger(published) is None
    assert [entry.version for entry in read_releases(published)] == [second]


def test_a_worse_version_stays_a_challenger_with_the_reason(
    published: DataLayout, versions: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = versions
    original = SearchIndex.search

    def find_nonsense(self: SearchIndex, query: Query, k: int = 10) -> SearchResult:
        found = original(self, query, k)
        if self.version != second:
            return found
        return replace(found, items=[replace(hit, dish="another") for hit in found.items])

    monkeypatch.setattr(SearchIndex, "search", find_nonsense)
    decision = release(published, second, PromotionConfig(), first)
    assert decision.action == "refused"
    assert "full_recall_at_1 fell from" in decision.reason
    assert current_version(published) == first
    refused = challenger(published)
    assert refused is not None
    assert refused.version == second
    assert was_refused(published, second)
    forced = release(published, second, PromotionConfig(), first, force=True)
    assert forced.action == "promoted"
    assert forced.reason.startswith("forced, although full_recall_at_1 fell")
    assert challenger(published) is None


def test_a_recall_below_the_floor_is_refused(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    manifest = published.artifacts("index") / versions[1] / "manifest.json"
    text = manifest.read_text()
    assert '"recall_at_10": 1.0' in text
    manifest.write_text(text.replace('"recall_at_10": 1.0', '"recall_at_10": 0.9'))
    with pytest.raises(ArtifactError):  # what the manifest says is sealed, too
        release(published, versions[1], EASY, versions[0])


def test_rolling_back_asks_what_answered_before(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    first, second = versions
    with pytest.raises(ArtifactError, match="no earlier version is recorded"):
        roll_back(published)
    release(published, second, PromotionConfig(), first)
    assert roll_back(published).version == first
    assert current_version(published) == first
    assert roll_back(published, first).reason == "it answers already"
    with pytest.raises(ArtifactError, match="no earlier version is recorded"):
        roll_back(published)  # the one that it was rolled back from is no earlier one
    assert roll_back(published, second).action == "rolled back"
    assert current_version(published) == second
    assert roll_back(published).version == first


def test_a_version_that_is_not_there_is_named(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    for decide in (
        lambda: release(published, "0" * 16, PromotionConfig(), versions[0]),
        lambda: roll_back(published, "0" * 16),
    ):
        with pytest.raises(ArtifactError, match=r"no index version '0+'; mmpipeline index list"):
            decide()
    assert current_version(published) == versions[0]


def test_of_two_publishers_one_wins_and_the_other_is_told(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    first, second = versions
    release(published, second, PromotionConfig(), first)
    with pytest.raises(BusyError, match=f"another publisher promoted {second} meanwhile"):
        release(published, first, PromotionConfig(), first)
    assert current_version(published) == second
    with (published.current_index.parent / "publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another publisher is at work"):
            roll_back(published)


def test_a_damaged_version_never_answers(published: DataLayout, versions: tuple[str, str]) -> None:
    first, second = versions
    folder = published.artifacts("index") / second
    damaged = max(folder.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ArtifactError, match=damaged.name):
        release(published, second, EASY, first)
    assert current_version(published) == first


def test_a_sound_version_may_follow_a_damaged_one(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    first, second = versions
    (published.artifacts("index") / first / "dead.npy").write_bytes(b"cut")
    assert release(published, second, PromotionConfig(), first).action == "promoted"


def test_a_damaged_pointer_is_mended_by_the_next_release(
    published: DataLayout, versions: tuple[str, str]
) -> None:
    first, second = versions
    published.current_index.write_text("x")
    assert release(published, second, PromotionConfig(), None).action == "promoted"
    published.current_index.write_bytes(b"")
    assert roll_back(published, first).version == first
    assert current_version(published) == first
