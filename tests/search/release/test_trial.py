"""A version is opened and asked before it answers; what cannot is refused, and others named."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from mmpipeline.config import PromotionConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.search.current import current_version, open_version, promote
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.release.golden_queries import draw_golden_queries
from mmpipeline.search.release.live import LiveIndex
from mmpipeline.search.release.promotion import release, roll_back
from mmpipeline.search.release.record import read_releases
from mmpipeline.search.release.trial import name_usable, try_version
from mmpipeline.storage import DataLayout
from tests.search.conftest import publish_version
from tests.search.other_versions import UNREADABLE, make_unreadable

EASY = PromotionConfig(tolerance=1, max_lost_items=1)


@pytest.fixture(scope="module")
def three(first_world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A world with three versions that answered one after the other; the last one does."""
    world = shutil.copytree(first_world, tmp_path_factory.mktemp("three") / "world")
    published = DataLayout.at(world / "data")
    first = current_version(published)
    assert first is not None
    draw_golden_queries(published, world / "asking", 4)
    names = [first, *(publish_version(world, name) for name in ("second", "third"))]
    promote(published, first)
    for before, version in pairwise(names):
        assert release(published, version, EASY, before).action == "promoted"
    return world, names


@pytest.fixture
def versions(three: tuple[Path, list[str]]) -> list[str]:
    """Ids of the three, oldest first."""
    return three[1]


@pytest.fixture
def published(three: tuple[Path, list[str]], tmp_path: Path) -> DataLayout:
    """A copy of their data folder."""
    return DataLayout.at(shutil.copytree(three[0] / "data", tmp_path / "data"))


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_version_that_cannot_answer_is_refused_whoever_asks_for_it(
    published: DataLayout, versions: list[str], how: str
) -> None:
    first, second, third = versions
    make_unreadable(published, second, how)
    before = len(read_releases(published))
    for decide in (
        lambda: roll_back(published, second),
        lambda: release(published, second, EASY, third),
        lambda: release(published, second, EASY, third, force=True),
    ):
        with pytest.raises(ArtifactError) as refusal:
            decide()
        assert UNREADABLE[how] in str(refusal.value)
        assert current_version(published) == third
    assert len(read_releases(published)) == before
    with pytest.raises(ArtifactError) as refusal:
        roll_back(published, second)
    named = str(refusal.value).partition("versions that can: ")[2]
    assert set(named.split(", ")) == {first, third}


def test_going_back_passes_over_what_cannot_answer_and_says_so(
    published: DataLayout, versions: list[str]
) -> None:
    first, second, third = versions
    make_unreadable(published, second, "older format")
    decision = roll_back(published)
    assert (decision.version, decision.before) == (first, third)
    assert f"passed over {second}: " in decision.reason
    assert UNREADABLE["older format"] in decision.reason
    assert read_releases(published)[-1] == decision
    assert SearchIndex.open(published).version == first


def test_where_no_earlier_version_can_answer_nothing_changes(
    published: DataLayout, versions: list[str]
) -> None:
    for version in versions[:2]:
        make_unreadable(published, version, "unknown fusion")
    with pytest.raises(ArtifactError) as refusal:
        roll_back(published)
    assert all(version in str(refusal.value) for version in versions)
    assert current_version(published) == versions[2]


def test_what_cannot_answer_is_followed_by_what_can(
    published: DataLayout, versions: list[str]
) -> None:
    first, _, third = versions
    make_unreadable(published, third, "weights without a number")
    assert release(published, first, EASY, third).action == "promoted"


@pytest.mark.parametrize("how", [how for how in UNREADABLE if "weights" not in how])
def test_a_server_goes_on_with_what_it_has(
    published: DataLayout, versions: list[str], how: str
) -> None:
    live = LiveIndex(published)
    assert live.refresh()
    make_unreadable(published, versions[0], how)
    published.current_index.write_text(f"{versions[0]}\n")
    assert not live.refresh()
    assert UNREADABLE[how] in (live.problem or "")
    with live.lease() as index:
        assert index.version == versions[2]
    live.close()


def test_a_trial_writes_nothing(published: DataLayout, versions: list[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in published.root.rglob("*")}
    assert try_version(open_version(published, versions[0])) == 24
    assert name_usable(published, versions[0]).startswith("versions that can: ")
    assert {path: path.stat().st_mtime_ns for path in published.root.rglob("*")} == before
